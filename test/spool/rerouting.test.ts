// Copies that go another way, to another domain or by another binding: their message is written again.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type FileSystem, systemFiles } from '../../src/spool/files.ts'
import type { Spool } from '../../src/spool/spool.ts'
import type { Stored, Way } from '../../src/spool/stored.ts'
import { copyFor, entryFor, faultyFiles, idsOf, makeDirectory, open, plain } from './fixtures.ts'
import { makeDisk } from './powercut.ts'

const DATA = Buffer.alloc(5_000, 'x')
const DEFERRAL = { attempts: 2, nextAttemptMs: 7, note: 'later' }
const ENTRY = entryFor(
  'm',
  copyFor('a@old.example', { facts: { routing_domain: 'old.example' } }),
  copyFor('b@old.example', { egress: { group: 'g', binding: 'b' }, priority: 1 }),
  copyFor('c@old.example'),
)

/** These copies, as they are bound. */
const to = (routingDomain: string, copies: readonly number[]): Map<number, Way> =>
  new Map(
    copies.map((copy) => {
      const egress = ENTRY.copies[copy]?.egress
      return [copy, { routingDomain, ...(egress && { egress }) }]
    }),
  )

const domainsOf = ({ ways }: Stored): string[] => ways.map(({ routingDomain }) => routingDomain)

interface Gate {
  /** Resolves when somebody waits there. */
  readonly reached: Promise<void>
  open(): void
}

/** The operation that comes n-th after `hold` waits at a gate. */
function gatedFiles() {
  const gates: { operation: string; left: number; come(): Promise<void> }[] = []
  const pass = async (operation: string): Promise<void> => {
    const reached = gates.filter((gate) => gate.operation === operation && --gate.left === 0)
    await Promise.all(reached.map((gate) => gate.come()))
  }
  const files: FileSystem = {
    ...systemFiles,
    async open(path, mode) {
      const file = await systemFiles.open(path, mode)
      const read: typeof file.read = async (...place) => {
        const bytes = await file.read(...place)
        await pass('read')
        return bytes
      }
      return { ...file, read, datasync: () => pass('datasync').then(() => file.datasync()) }
    },
  }
  const hold = (operation: 'read' | 'datasync', nth = 1): Gate => {
    let open = (): void => {}
    let reach = (): void => {}
    const opened = new Promise<void>((resolve) => (open = resolve))
    const reached = new Promise<void>((resolve) => (reach = resolve))
    gates.push({ operation, left: nth, come: () => (reach(), opened) })
    return { reached, open: () => open() }
  }
  return { files, hold }
}

async function recoveredIn(directory: string) {
  const spool = await open(directory)
  expect(spool.reports).toEqual([])
  return { spool, all: await idsOf(spool), first: spool.recovered[0]! }
}

test('these copies stand in the other queue, and still do after a restart', async () => {
  const directory = makeDirectory()
  const spool = await open(directory)
  const stored = await spool.append(ENTRY, DATA)
  spool.finish(stored, [2])
  spool.defer(stored, 1, DEFERRAL)
  expect(await spool.reroute(stored, to('new.example', [0, 1]))).toBe(true)
  const before = plain(await spool.entry(stored))
  await spool.close()
  const { spool: again, all, first } = await recoveredIn(directory)
  expect(all).toEqual(['m'])
  for (const each of [stored, first]) {
    expect(domainsOf(each)).toEqual(['new.example', 'new.example', 'old.example'])
    expect(each.ways[1]).toMatchObject({ egress: { group: 'g', binding: 'b' }, priority: 1 })
    expect(each.copies.map(({ done }) => done)).toEqual([false, false, true])
    expect(each.copies[1]).toEqual({ done: false, ...DEFERRAL })
  }
  const entry = plain(await again.entry(first))
  expect(entry).toEqual(before)
  expect(entry.copies.map((copy) => [copy.rcptto, copy.routingDomain, copy.facts])).toEqual([
    ['a@old.example', 'new.example', { routing_domain: 'new.example' }],
    ['b@old.example', 'new.example', {}],
    ['c@old.example', 'old.example', {}],
  ])
  expect(await again.read(first)).toEqual(DATA)
})

test('copies go by another binding, and their events will say so', async () => {
  const directory = makeDirectory()
  const spool = await open(directory)
  const facts = { binding: 'default', binding_group: 'default', routing_domain: 'x.example' }
  const egress = { group: 'g', binding: 'b' }
  const stored = await spool.append(
    entryFor('m', copyFor('a@x.example', { facts }), copyFor('b@x.example', { egress, facts: {} })),
    DATA,
  )
  const [a, b] = stored.ways
  const ways = new Map([
    [0, { ...a!, egress: { group: 'h', binding: 'c' } }],
    [1, { routingDomain: b!.routingDomain }],
  ])
  expect(await spool.reroute(stored, ways)).toBe(true)
  expect(stored.ways.map((way) => way.egress)).toEqual([{ group: 'h', binding: 'c' }, undefined])
  await spool.close()
  const { spool: again, first } = await recoveredIn(directory)
  expect(first.ways).toEqual(stored.ways)
  const { copies } = await again.entry(first)
  expect(copies.map((copy) => copy.facts)).toEqual([
    { ...facts, binding: 'c', binding_group: 'h' },
    {},
  ])
})

test('at any kill the message is there once, as it was or as it is to be', async () => {
  const directory = makeDirectory()
  const cuts: string[] = []
  const disk = makeDisk((_, when) => {
    if (when !== 'after') return
    cuts.push(join(directory, `cut ${cuts.length}`))
    disk.cut(() => 0.5, cuts.at(-1)!)
  })
  const spool = await open(join(directory, 'spool'), { segmentBytes: 45_000, files: disk.files })
  const stored = await spool.append(ENTRY, DATA)
  const appended = cuts.length
  await spool.reroute(stored, to('new.example', [0, 1, 2]))
  const rerouted = cuts.length
  await spool.close()
  const found: string[] = []
  for (const cut of cuts.slice(appended)) {
    const again = await open(cut)
    expect(await idsOf(again)).toEqual(['m'])
    found.push(domainsOf(again.recovered[0]!).join())
    await again.close()
  }
  const moved = found.map((domains) => domains === 'new.example,new.example,new.example')
  // The last of them is the sync that the promise waits for.
  expect(moved.slice(rerouted - appended - 1)).toContain(true)
  expect(moved.slice(rerouted - appended - 1)).not.toContain(false)
  expect(new Set(found).size).toBeLessThanOrEqual(2)
})

test('what is said while it is written again is said of what it is then', async () => {
  const directory = makeDirectory()
  const spool = await open(directory)
  const stored = await spool.append(ENTRY, DATA)
  const rerouting = spool.reroute(stored, to('new.example', [0]))
  spool.finish(stored, [1])
  await new Promise(setImmediate)
  spool.defer(stored, 0, DEFERRAL)
  await rerouting
  await spool.close()
  const { first } = await recoveredIn(directory)
  expect(domainsOf(first)).toEqual(['new.example', 'old.example', 'old.example'])
  expect(first.copies.map(({ done, attempts }) => [done, attempts])).toEqual([
    [false, 2],
    [true, 0],
    [false, 0],
  ])
})

test('a message that is finished is not written again', async () => {
  const directory = makeDirectory()
  const { files, hold } = gatedFiles()
  const spool = await open(directory, { files })
  const stored = await spool.append(ENTRY, DATA)
  const gate = hold('read')
  const rerouting = spool.reroute(stored, to('new.example', [0]))
  await gate.reached
  spool.finish(stored, [0, 1, 2])
  gate.open()
  expect(await rerouting).toBe(false)
  expect(await spool.reroute(stored, to('new.example', [0]))).toBe(false)
  await spool.close()
  expect((await open(directory)).recovered).toEqual([])
})

test('without room everything stays as it was, and can be tried again', async () => {
  const files = faultyFiles()
  const spool = await open(makeDirectory(), { files })
  const stored = await spool.append(ENTRY, DATA)
  files.fail('writev', 'ENOSPC')
  await expect(spool.reroute(stored, to('new.example', [0]))).rejects.toMatchObject({
    kind: 'no room',
  })
  expect(domainsOf(stored)).toEqual(['old.example', 'old.example', 'old.example'])
  expect((await spool.entry(stored)).copies[0]?.routingDomain).toBe('old.example')
  files.fail('writev', undefined)
  expect(await spool.reroute(stored, to('new.example', [0]))).toBe(true)
  expect((await spool.entry(stored)).copies[0]?.routingDomain).toBe('new.example')
})

test('who has begun to read what it was gets what it is', async () => {
  const { files, hold } = gatedFiles()
  const spool = await open(makeDirectory(), { files })
  const stored = await spool.append(ENTRY, DATA)
  const first = hold('datasync')
  const second = hold('datasync', 2)
  const other = spool.append(ENTRY, DATA)
  await first.reached
  const rerouting = spool.reroute(stored, to('new.example', [0]))
  await later()
  // What was read to reroute it is forgotten now.
  first.open()
  await second.reached
  await other
  const gate = hold('read')
  const reading = spool.entry(stored)
  await gate.reached
  second.open()
  await rerouting
  gate.open()
  expect((await reading).copies[0]?.routingDomain).toBe('new.example')
  expect((await spool.entry(stored)).copies[0]?.routingDomain).toBe('new.example')
})

test.each([
  ['one after the other', 0],
  ['another has begun to read', 1],
])('two at a time both hold: %s', async (_, first) => {
  const spool = await open(makeDirectory())
  const stored = await spool.append(ENTRY, DATA)
  const one = spool.reroute(stored, to('one.example', [0]))
  if (first === 0) await one
  await Promise.all([one, spool.reroute(stored, to('two.example', [1]))])
  expect(domainsOf(stored)).toEqual(['one.example', 'two.example', 'old.example'])
  expect((await spool.entry(stored)).copies.map((copy) => copy.routingDomain)).toEqual(
    domainsOf(stored),
  )
})

test('a notification that replaces some of its copies comes before or after, never in between', async () => {
  for (const isFirst of [true, false]) {
    const directory = makeDirectory()
    const spool = await open(directory)
    const stored = await spool.append(ENTRY, DATA)
    const replace = () => spool.replace(stored, [1, 2], { entry: entryFor('dsn'), data: DATA })
    const reroute = () => spool.reroute(stored, to('new.example', [0]))
    await Promise.all(isFirst ? [replace(), reroute()] : [reroute(), replace()])
    await spool.close()
    const { spool: again, all } = await recoveredIn(directory)
    expect(all.toSorted()).toEqual(['dsn', 'm'])
    const found = again.recovered[all.indexOf('m')]!
    expect(domainsOf(found)[0]).toBe('new.example')
    expect(found.copies.map(({ done }) => done)).toEqual([false, true, true])
  }
})

const later = () => new Promise((resolve) => setTimeout(resolve, 100))

/** So many messages in one segment that the last may be moved when the others are finished. */
async function fill(spool: Spool): Promise<readonly [last: Stored, others: readonly Stored[]]> {
  const stored: Stored[] = []
  for (let i = 0; i < 9; i++)
    stored.push(await spool.append(entryFor(`m${i}`, 'a@old', 'b@old'), DATA))
  return [stored[7]!, stored.slice(0, 7)]
}

test.each([0, 1, 2, 3, 4, 5])(
  'a segment that is emptied does not bring back what it was: read %i is slow',
  async (nth) => {
    const directory = makeDirectory()
    const { files, hold } = gatedFiles()
    const spool = await open(directory, { segmentBytes: 45_000, files })
    const [last, others] = await fill(spool)
    const place = last.location
    const gate = hold('read', nth)
    for (const each of others) spool.finish(each, [0, 1])
    // It is read to be moved, and to be rerouted.
    await Promise.race([gate.reached, later()])
    const rerouting = spool.reroute(last, to('new', [0]))
    await Promise.race([rerouting, later()])
    gate.open()
    await rerouting
    await spool.flush()
    expect(last.location).not.toBe(place)
    await spool.close()
    const again = await open(directory)
    const names = await idsOf(again)
    expect(names.toSorted()).toEqual(['m7', 'm8'])
    const found = again.recovered[names.indexOf('m7')]!
    expect(domainsOf(found)).toEqual(['new', 'old'])
    expect((await again.entry(found)).copies[0]?.routingDomain).toBe('new')
  },
)
