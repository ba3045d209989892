import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { parseConfig } from '../src/config/load.ts'
import { makeInstruments } from '../src/observing/instruments.ts'
import { openGeneration } from '../src/generation.ts'
import { makeSharedState } from '../src/msys/shared/embedded.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-generation-'))
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(async () => {
  vi.useRealTimers()
  await rm(folder, { recursive: true })
})

test('a replaced generation does not live for ever on a session that never ends', async () => {
  const options = { lenient: false, defaultHostname: 'mail.test', folder }
  const { config } = parseConfig('spoolbase = "spool"', 'test.conf', options)
  const generation = await openGeneration(config, {
    now: () => 0,
    warn: () => {},
    events: { wants: () => false, append: () => {} },
    instruments: makeInstruments(),
    shared: makeSharedState(() => 0),
  })
  const ended: string[] = []
  const release = generation.hold(() => ended.push('the idle session'))
  const other = generation.hold(() => ended.push('the session that left'))
  const closed = generation.replace()
  other()
  expect(generation.isReplaced).toBe(true)
  vi.advanceTimersByTime(59_999)
  expect(ended).toEqual([])
  vi.advanceTimersByTime(1)
  expect(ended).toEqual(['the idle session'])
  release()
  await closed
})
