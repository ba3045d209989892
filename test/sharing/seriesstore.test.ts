// Audit series that outlive the process.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeSharedState } from '../../src/msys/shared/embedded.ts'
import type { SeriesShape } from '../../src/msys/shared/state.ts'
import { makeSeriesStore } from '../../src/sharing/seriesstore.ts'

const SHAPE: SeriesShape = {
  keys: 'string',
  windowSeconds: 60,
  windows: 5,
  reach: 'node',
  isPersistent: true,
}

let folder: string
let now: number
const reports: string[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eachrcpt-series-'))
  now = 1_000_000_000_000
  reports.length = 0
})
afterEach(() => rmSync(folder, { recursive: true }))

const open = () =>
  makeSeriesStore(
    makeSharedState(() => now),
    join(folder, 'series'),
    (text) => reports.push(text),
  )

test('a persistent series is there again, the others are not', async () => {
  const before = open()
  before.state.defineSeries('a/../ä', SHAPE)
  before.state.defineSeries('soft', { ...SHAPE, isPersistent: false })
  for (const series of ['a/../ä', 'soft']) {
    before.state.apply({ kind: 'series add', series, key: 'k\n', count: 3, atMs: now - 60_000 })
    before.state.apply({ kind: 'series add', series, key: 'k\n', count: 4, atMs: now })
  }
  await before.save()
  expect(readdirSync(join(folder, 'series'))).toEqual(['a%2F..%2F%C3%A4.jsonl'])

  const after = open()
  after.state.defineSeries('a/../ä', SHAPE)
  after.state.defineSeries('soft', { ...SHAPE, isPersistent: false })
  expect(after.state.seriesSum('a/../ä', 'k\n', 0, 4)).toBe(7)
  expect(after.state.seriesSum('a/../ä', 'k\n', 1, 1)).toBe(3)
  expect(after.state.seriesSum('soft', 'k\n', 0, 4)).toBe(0)
  // As a reload does.
  after.state.defineSeries('a/../ä', SHAPE)
  expect(after.state.seriesSum('a/../ä', 'k\n', 0, 4)).toBe(7)
  now += 5 * 60_000
  const late = open()
  late.state.defineSeries('a/../ä', SHAPE)
  expect(late.state.seriesSum('a/../ä', 'k\n', 0, 4)).toBe(0)
  expect(reports).toEqual([])
})

test('what was counted under another definition is not read', async () => {
  const before = open()
  before.state.defineSeries('s', SHAPE)
  before.state.apply({ kind: 'series add', series: 's', key: 'k', count: 3, atMs: now })
  await before.save()
  const after = open()
  after.state.defineSeries('s', { ...SHAPE, windowSeconds: 30 })
  expect(after.state.seriesSum('s', 'k', 0, 4)).toBe(0)
})

test('a file that is damaged, and a folder that cannot be had, are told', async () => {
  const { state, save } = open()
  state.defineSeries('s', SHAPE)
  await save()
  writeFileSync(join(folder, 'series', 's.jsonl'), `${JSON.stringify(SHAPE)}\n{"broken\n`)
  open().state.defineSeries('s', SHAPE)
  expect(reports).toEqual([expect.stringMatching(/s\.jsonl cannot be read: SyntaxError/)])
  const other = makeSeriesStore(state, join(folder, 'series', 's.jsonl'), (text) =>
    reports.push(text),
  )
  other.state.defineSeries('s', SHAPE)
  await other.save()
  expect(reports[1]).toMatch(/audit series are not written: /)
})
