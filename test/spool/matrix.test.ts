// The crash matrix: the power goes before and after every write, sync, removal and reply of what a spool
// does, and the next start is checked against what was promised. A point is looked at three times: with all
// that was written on disk (as after a kill), with nothing but what was synced, and with some of it.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Spool, openSpool } from '../../src/spool/spool.ts'
import type { Stored } from '../../src/spool/stored.ts'
import { tableOf } from '../support/table.ts'
import { entryFor, idsOf, makeDirectory } from './fixtures.ts'
import { type Disk, hastyFiles, makeDisk, type When } from './powercut.ts'
import { check, dataOf, makeRandom } from './workload.ts'

interface Row {
  readonly step: string
  readonly point: string
  points: number
  lost: number
  halves: number
  damaged: number
  /** Finished, and there again: sent once more at most. */
  repeated: number
}

interface Cut {
  readonly row: Row
  readonly directory: string
  readonly ledger: readonly string[]
}

/** Of one that no segment of the usual size holds; of some that fill one well. */
function octetsOf(id: string): Buffer {
  if (id === 'giant') return Buffer.alloc(90_000, id)
  return id.startsWith('even') ? Buffer.alloc(9_000, id) : dataOf(id)
}

const REMAINS = {
  everything: () => () => 0.99,
  'only what was synced': () => () => 0,
  'some of it': (seed: number) => makeRandom(seed),
}

const STEPS: readonly [name: string, run: (scene: Scene) => Promise<void>][] = [
  ['F3–F6 a message is stored', ({ append }) => append('one')],
  ['F7 a message for 300 is stored', ({ append }) => append('many', 300)],
  [
    'F9 a delivery is written down',
    async ({ spool, stored, note }) => {
      note('-one')
      spool.finish(stored('one'), [0], ['{"event":1}'])
      await spool.flush()
    },
  ],
  [
    'F10 a notification takes its place',
    async ({ spool, known, stored, note, tick }) => {
      note('?many')
      const dsn = { entry: entryFor('many-dsn'), data: dataOf('many-dsn') }
      known.set('many-dsn', await spool.replace(stored('many'), [...Array(300).keys()], dsn))
      tick('reply', 'before')
      note('-many')
      note('+many-dsn')
      tick('reply', 'after')
    },
  ],
  [
    'F11 a segment is filled, compacted and used again',
    async ({ spool, append, stored, note }) => {
      const names = Array.from({ length: 8 }, (_, i) => `fill${i}`)
      for (const name of names) await append(name)
      note('-many-dsn')
      spool.finish(stored('many-dsn'), [0])
      for (const name of names.slice(1)) {
        note(`-${name}`)
        spool.finish(stored(name), [0])
      }
      await spool.flush()
      for (let i = 0; i < 20; i++) {
        const name = `even${i}`
        await append(name)
        note(`-${name}`)
        spool.finish(stored(name), [0])
        if (i % 7 === 6) await spool.flush()
      }
    },
  ],
  [
    'F11 a segment of a message alone is removed',
    async ({ spool, append, stored, note }) => {
      await append('giant')
      await append('last')
      note('-giant')
      spool.finish(stored('giant'), [0])
      await spool.flush()
    },
  ],
]

interface Scene {
  readonly spool: Spool
  readonly append: (id: string, recipients?: number) => Promise<void>
  readonly known: Map<string, Stored>
  readonly stored: (id: string) => Stored
  readonly note: (line: string) => void
  readonly tick: (operation: string, when: When) => void
}

test('no point at which the power may go loses a message', { timeout: 180_000 }, async () => {
  const rows = new Map<string, Row>()
  const cuts = await cutEverywhere(rows)
  for (const cut of cuts) await look(cut)
  const all = [...rows.values()]
  process.stdout.write(matrixOf(all))
  expect(all.filter(({ lost, halves, damaged }) => lost + halves + damaged > 0)).toEqual([])
  expect(cuts.length).toBeGreaterThan(150)
  // Every step has been cut somewhere, and somewhere a message was there once more.
  expect(new Set(all.map(({ step }) => step)).size).toBe(STEPS.length + 1)
  expect(all.some(({ repeated }) => repeated > 0)).toBe(true)
  const points = all.map(({ point }) => point)
  expect(points).toContain('after remove')
  expect(points).toContain('after rename')
})

async function cutEverywhere(rows: Map<string, Row>): Promise<Cut[]> {
  const base = makeDirectory()
  const cuts: Cut[] = []
  const ledger: string[] = []
  let step = 'F3 a spool is opened'
  const tick = (operation: string, when: When): void => {
    const point = `${when} ${operation}`
    const fresh = { step, point, points: 0, lost: 0, halves: 0, damaged: 0, repeated: 0 }
    const row = rows.get(step + point) ?? fresh
    rows.set(step + point, row)
    row.points++
    // Of points like many before one remainder is looked at.
    const remains = Object.entries(REMAINS).slice(row.points > 3 ? -1 : 0)
    for (const [name, random] of remains) {
      const directory = join(base, `${cuts.length} ${name}`)
      disk.cut(random(cuts.length), directory)
      cuts.push({ row, directory, ledger: [...ledger] })
    }
  }
  const disk: Disk = makeDisk(tick)
  const spool = await openSpool({
    directory: join(base, 'spool'),
    segmentBytes: 60_000,
    files: disk.files,
    report: (text) => expect(text).toBe(''),
  })
  const known = new Map<string, Stored>()
  const note = (line: string): void => void ledger.push(line)
  const scene: Scene = {
    spool,
    known,
    note,
    tick,
    stored: (id) => known.get(id)!,
    async append(id, recipients = 1) {
      const rcpttos = Array.from({ length: recipients }, (_, i) => `${i}@x.example`)
      known.set(id, await spool.append(entryFor(id, ...rcpttos), octetsOf(id)))
      tick('reply', 'before')
      note(`+${id}`)
      tick('reply', 'after')
    },
  }
  for (const [name, run] of STEPS) {
    step = name
    await run(scene)
  }
  await spool.close()
  return cuts
}

async function look({ row, directory, ledger }: Cut): Promise<void> {
  const spool = await openSpool({ directory, report: () => {}, files: hastyFiles })
  const found = new Set(await idsOf(spool))
  const { lost, halfReplaced } = check(ledger, found)
  row.lost += lost.length
  row.halves += halfReplaced.length
  row.repeated += ledger.filter((line) => line.startsWith('-') && found.has(line.slice(1))).length
  for (const stored of spool.recovered) {
    const { batchId, copies } = await spool.entry(stored)
    const isWhole = copies.length === (batchId === 'many' ? 300 : 1)
    const data = await spool.read(stored).catch(() => undefined)
    if (!isWhole || !data?.equals(octetsOf(batchId))) row.damaged++
  }
  await spool.close()
}

function matrixOf(rows: readonly Row[]): string {
  const head = ['step', 'the power goes', 'points', 'lost', 'halves', 'damaged', 'repeated']
  return tableOf(
    head,
    rows.map(({ step, point, points, lost, halves, damaged, repeated }) =>
      [step, point, points, lost, halves, damaged, repeated].map(String),
    ),
  )
}
