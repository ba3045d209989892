// What the commands that end queued mail take, and what of the queue they mean.
import { expect, test } from 'vitest'
import { queueCommand } from '../../src/console/queue.ts'
import type { QueuedMail, Test } from '../../src/queuedmail.ts'
import type { ContextChanges } from '../../src/mail/context.ts'
import type { EntryCopy } from '../../src/spool/entry.ts'
import type { Stored } from '../../src/spool/stored.ts'
import { copyFor, entryFor, storedFor } from '../spool/fixtures.ts'

const NOTHING = { connection: {}, message: {} }
const DATA = Buffer.from('Subject: one\r\n  two\r\nX-Kind:  high\r\n\r\nX-Body: no\r\n')

/** Copies with variables of their own; what is failed is told. */
function queueOf(
  copies: readonly EntryCopy[],
  perMessage = copies.length,
  context?: ContextChanges,
) {
  const entries = new Map<Stored, ReturnType<typeof entryFor>>()
  for (let i = 0; i < copies.length; i += perMessage) {
    const entry = entryFor(`m${i}`, ...copies.slice(i, i + perMessage))
    const stored = storedFor(entry)
    const changed = stored.copies.map((state) => ({ ...state, context }))
    entries.set({ ...stored, copies: changed }, entry)
  }
  const failed: string[] = []
  const calls: { reply: string; isQuiet: boolean }[] = []
  let reads = 0
  const mail: QueuedMail = {
    unfinished: () => entries.keys(),
    entry: (stored) => Promise.resolve(entries.get(stored) ?? entryFor('unknown')),
    read() {
      reads++
      return Promise.resolve(DATA)
    },
    retry: (isMeant) => meant(isMeant).length,
    fail(isMeant, reply, isQuiet) {
      calls.push({ reply, isQuiet })
      failed.push(...meant(isMeant))
      return Promise.resolve(failed.length)
    },
    remove: () => 0,
  }
  const meant = (isMeant: Test): string[] =>
    [...entries].flatMap(([stored, entry]) =>
      entry.copies.flatMap(({ rcptto }, copy) => (isMeant({ stored, copy }) ? [rcptto] : [])),
    )
  const run = async (argv: readonly string[]): Promise<string> =>
    (await queueCommand(mail, argv, 0))?.text ?? 'unknown'
  const command = (line: string): Promise<string> => run(line.split(' '))
  return { run, command, failed, calls, reads: () => reads }
}

const whole = { rendition: { pieces: [[0, DATA.length]] as const, holes: [] } }
const copy = (rcptto: string, message: Record<string, string | null>, more = {}) =>
  copyFor(rcptto, { ...whole, context: { ...NOTHING, message }, ...more })

test('a variable is what policy has made of it since the message came', async () => {
  const { command } = queueOf([copy('a@x.example', { campaign: 'sale', gone: 'yes' })], 1, {
    connection: {},
    message: { campaign: 'last chance', gone: null, tries: '2' },
  })
  const found = async (name: string, value: string): Promise<boolean> =>
    / 1 mess/.test(await command(`fail all --dry-run --meta ${name} ${value}`))
  expect(await found('campaign', 'sale')).toBe(false)
  expect(await found('tries', '2')).toBe(true)
  expect(await found('gone', 'yes')).toBe(false)
})

test('a variable is looked for in the message, then in the connection, and must be equal', async () => {
  const { command, failed } = queueOf([
    copy('own@x.example', { campaign: 'sale' }),
    copy('common@x.example', {}),
    copy('gone@x.example', { campaign: null }),
    copy('other@y.example', { campaign: 'sale' }),
  ])
  const text = await command('fail domain quiet --meta campaign sale X.Example')
  expect([text, failed]).toEqual(['X.Example purged. 1 messages failed.\n', ['own@x.example']])
  // `campaign` is `spring` in the message of all, `listener` is the connection's.
  expect(await command('fail all --dry-run --meta campaign spring')).toMatch(/all domains: 1 mess/)
  expect(await command('fail all --dry-run --meta listener in')).toMatch(/all domains: 4 mess/)
  expect(await command('fail all --dry-run --meta campaign SALE')).toMatch(/all domains: 0 mess/)
  expect(await command('fail all --dry-run --meta constructor x')).toMatch(/all domains: 0 mess/)
})

test.each([
  ['subject', 'one', 1],
  ['Subject', '  two', 1],
  ['Subject', 'two', 0],
  ['Subject', 'one two', 0],
  ['x-kind', 'high', 1],
  ['X-Body', 'no', 0],
])('a header line is one as it stands in the message: %s, "%s"', async (name, line, count) => {
  const { run } = queueOf([copy('a@x.example', {})])
  const text = await run(['fail', 'all', '--dry-run', '--header', name, line])
  expect(text).toContain(`all domains: ${count} messages`)
})

test('without a filter nothing is read, and the note is the reply', async () => {
  const { command, failed, calls, reads } = queueOf([copy('a@x.example', {})])
  await command('fail domain x.example moved away')
  await command('fail domain quiet x.example 550 5.1.1 gone')
  expect([failed.length, reads(), calls]).toEqual([
    2,
    0,
    [
      { reply: '554 5.7.0 [internal] moved away', isQuiet: false },
      { reply: '550 5.1.1 gone', isQuiet: true },
    ],
  ])
})

test('a binding has its own, of one domain or of all', async () => {
  const egress = { group: 'g', binding: 'b1' }
  const { command } = queueOf([
    copy('a@x.example', {}, { egress }),
    copy('b@y.example', {}, { egress }),
    copy('c@x.example', {}),
  ])
  expect(await command('binding fail domain --dry-run b1 x.example')).toMatch(
    /a@x.*\n.* 1 messages/,
  )
  expect(await command('binding flush domain b1 all')).toBe('all flushed.  2 messages requeued.\n')
  expect(await command('binding flush domain default x.example')).toMatch(/ 1 messages/)
  expect(await command('binding fail domain b1 all')).toBe(
    'All domains purged. 2 messages failed.\n',
  )
})

test('a preview counts all, lists the first, and ends nothing, wherever its word stands', async () => {
  const many = Array.from({ length: 40 }, (_, i) => copy(`u${i}@x.example`, {}))
  const { command, calls } = queueOf(many, 1)
  const text = await command('fail domain x.example a note --dry-run')
  expect(text.split('\n').length).toBe(27)
  expect(text).toMatch(
    /\n\[dry-run\] x\.example: 40 messages would be failed\. \(Showing first 25; 15 more not listed\.\)\n$/,
  )
  expect(calls).toEqual([])
})

test.each([
  'fail domain',
  'fail domain --meta campaign',
  'fail domain --meta a b --header c d x.example',
  'fail domain --unknown x.example',
  'fail all',
  'fail all quiet a note',
  'fail all --meta a b --header c d',
  'binding fail domain b1',
  'binding flush domain b1',
])('is none of these commands: %s', async (line) => {
  const { command, calls } = queueOf([copy('a@x.example', { a: 'b' })])
  expect(await command(line)).toMatch(/^usage: /)
  expect(calls).toEqual([])
})
