// binding summary: one process, groups, several workers.
import { expect, test } from 'vitest'
import { bindingCommand, type BindingSources } from '../../src/console/binding.ts'
import { makeBindingCounts } from '../../src/observing/bindingcounts.ts'
import { parseConfig } from '../../src/config/load.ts'
import { copyFor, entryFor, storedFor } from '../spool/fixtures.ts'
import { askWorkers } from '../support/fleet.ts'

const NOW_MS = 600_000
const { config } = parseConfig(
  `binding "plain" {}
   binding_group "g" { binding "one" {} binding "two" {} }`,
  'e.conf',
  { lenient: false, defaultHostname: 'us.test', folder: '/conf' },
)
const ONE = { group: 'g', binding: 'one' }

function sources({ queued = 1, received = 506 } = {}): BindingSources {
  const bindings = makeBindingCounts()
  Object.assign(bindings.of(ONE), { received, delivered: received - 6, failed: 6 })
  bindings.of(undefined).received++
  const stored = storedFor(entryFor('m', copyFor('a@x.example', { egress: ONE })))
  return {
    mail: { unfinished: () => Array.from({ length: queued }, () => stored) },
    relay: {
      connections: () => [{ egress: ONE, count: 2 }],
      route: () => {
        throw new Error('not asked for')
      },
    },
    config,
    counts: { sinceMs: 10_000, bindings },
  }
}

const say = async (line: string) =>
  (await bindingCommand(sources(), line.split(' '), NOW_MS))?.text.replace(/\d+ seconds/g, 'N')

const BLOCK = [
  '        Open Connections:      2',
  '        Active Queue Size:      1',
  '        Total Queue Size:      1',
  '        Successfully Delivered Messages:    500',
  '        Failed Messages:      6',
  '        Received Messages:    506',
  '        Delivery Rate:   0.86 messages/second',
  '        Reception Rate:   0.86 messages/second',
]

test('one binding', async () => {
  const text = await say('binding summary one')
  expect(text?.split('\n').slice(0, -2)).toEqual(['Summary Statistics For Binding one', ...BLOCK])
  expect(await say('binding summary 2')).toBe(text)
})

test('all bindings, in the order of their slots', async () => {
  const text = await say('binding summary')
  expect(text?.match(/^S.*$/gm)).toEqual(
    ['default', 'plain', 'one', 'two'].map((name) => `Summary Statistics For Binding ${name}`),
  )
  expect(text).toMatch(/Binding default\n(.*\n){5} {8}Received Messages: {6}1\n/)
})

test('a group, and the sum of it', async () => {
  const text = await say('binding summary group:g')
  expect(text?.match(/^[S*].*$/gm)).toEqual([
    'Summary Statistics For Binding one in Binding Group g',
    'Summary Statistics For Binding two in Binding Group g',
    '*'.repeat(44),
    'Summary Statistics For Binding Group g',
  ])
  expect(text?.split('\n').slice(-11, -2)).toEqual([
    'Summary Statistics For Binding Group g',
    ...BLOCK,
  ])
  expect(await say('binding summary group:default')).toMatch(/Binding plain in Binding Group def/)
})

test.each([
  ['binding summary three', 'no binding is called three\n'],
  ['binding summary 9', 'no binding is called 9\n'],
  ['binding summary group:h', 'no binding group is called h\n'],
  ['binding summary one two', 'usage: binding summary [BINDING|SLOT|group:GROUP]\n'],
])('is refused: %s', async (line, text) => {
  expect(await say(line)).toBe(text)
})

test('of several workers it is the sum', async () => {
  const workers = [sources(), sources({ queued: 3, received: 100 })].map(
    (each) => (argv: readonly string[]) => bindingCommand(each, argv, NOW_MS),
  )
  const { data } = await askWorkers(workers, 'binding summary one')
  expect(data).toMatchObject({
    bindings: [
      { binding: 'one', connections: 4, active: 4, delivered: 594, failed: 12, received: 606 },
    ],
    counted_seconds: 590,
  })
})
