// What is known of denied links, between copies that come and go.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openDenials } from '../../src/sharing/denialcopies.ts'
import { type Denial, type DenialCopy, makeDenials } from '../../src/sharing/denials.ts'

/** A copy in memory; `isAway`: it cannot be asked. */
function memory() {
  const kept = new Map<string, Denial>()
  const state = { isAway: false, writes: 0, kept }
  const answer = async <T>(value: T): Promise<T> => {
    if (state.isAway) throw new Error('away')
    return value
  }
  const copy: DenialCopy = {
    name: 'memory',
    version: () => answer(JSON.stringify([...kept.values()])),
    read: () => answer([...kept.values()]),
    async write(news) {
      await answer(undefined)
      state.writes++
      for (const each of news) kept.set(`${each.kind} ${each.name}`, each)
    },
  }
  return Object.assign(state, { copy })
}

const facts = { messageId: '00a1', campaignId: 'autumn', customerId: '7' }

test.each([
  ['message', '00a1'],
  ['campaign', 'autumn'],
  ['customer', '7'],
] as const)('links of a denied %s are covered, until it is allowed again', async (kind, name) => {
  const denials = makeDenials([memory().copy], () => 1_000)
  expect(denials.covers(facts)).toBe(false)
  expect(await denials.say(kind, name, true)).toEqual({ isNew: true, untold: [] })
  expect(await denials.say(kind, name, true)).toEqual({ isNew: false, untold: [] })
  expect([denials.covers(facts), denials.covers({ messageId: 'another' })]).toEqual([true, false])
  expect(denials.list()).toEqual([{ kind, name, isDenied: true, atMs: 1_000 }])
  expect(await denials.say(kind, name, false)).toEqual({ isNew: true, untold: [] })
  expect([denials.covers(facts), denials.list()]).toEqual([false, []])
})

test('two that share a copy agree, also after it was away, or has lost everything', async () => {
  const shared = memory()
  const [one, two] = [makeDenials([shared.copy], () => 10), makeDenials([shared.copy], () => 10)]
  await one.say('message', 'a', true)
  await two.refresh()
  expect(two.covers({ messageId: 'a' })).toBe(true)
  shared.isAway = true
  expect(await one.say('message', 'b', true)).toEqual({ isNew: true, untold: ['memory: away'] })
  expect(await two.refresh()).toEqual(['memory: away'])
  expect([one.covers({ messageId: 'b' }), two.covers({ messageId: 'a' })]).toEqual([true, true])
  shared.isAway = false
  await one.refresh()
  await two.refresh()
  expect(two.covers({ messageId: 'b' })).toBe(true)
  shared.kept.clear()
  await two.refresh()
  expect([...shared.kept.keys()]).toEqual(['message a', 'message b'])
})

test('the later word holds, whatever the clocks say that one has heard of', async () => {
  const shared = memory()
  const ahead = makeDenials([shared.copy], () => 9_000)
  const behind = makeDenials([shared.copy], () => 5)
  await ahead.say('customer', '7', true)
  await behind.say('customer', '7', false)
  await ahead.refresh()
  expect([ahead.covers(facts), behind.covers(facts)]).toEqual([false, false])
  const late = memory()
  late.kept.set('customer 7', { kind: 'customer', name: '7', isDenied: true, atMs: 8_000 })
  const third = makeDenials([late.copy, shared.copy], () => 9_500)
  await third.refresh()
  expect(third.covers(facts)).toBe(false)
  // What one copy said first, all others are told.
  await third.refresh()
  expect(late.kept.get('customer 7')?.isDenied).toBe(false)
})

test('a copy that says nothing new is left alone', async () => {
  const shared = memory()
  const denials = makeDenials([shared.copy], () => 1)
  await denials.say('message', 'a', true)
  for (let i = 0; i < 5; i++) await denials.refresh()
  expect(shared.writes).toBe(1)
})

test('the file is read by who starts, lines of others are left out, and nothing is left beside it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'eachrcpt-denied-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const nodes = { link: undefined, options: undefined }
  const start = async () => {
    const denials = await openDenials(folder, nodes, () => {})
    onTestFinished(() => denials.close())
    return denials
  }
  const one = await start()
  await one.say('campaign', 'a "b"\nc ü', true)
  const text = await readFile(join(folder, 'denied'), 'utf8')
  await writeFile(join(folder, 'denied'), `${text}nonsense\n{"kind":"x","name":1}\n`)
  const two = await start()
  expect(two.list().map(({ name }) => name)).toEqual(['a "b"\nc ü'])
  expect(await readdir(folder)).toEqual(['denied'])
})
