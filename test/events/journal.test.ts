import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openJournal } from '../../src/events/journal.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-journal-'))
})
afterEach(() => rm(folder, { recursive: true }))

const COPY = {
  messageId: '00/00-1-2',
  batchId: '00/00-1-2',
  connectionId: '00/00-1-1',
  egress: { binding: 'b1', group: 'g1' },
  rcptto: 'a@b.example',
  mailfrom: '',
  peerAddress: '127.0.0.1',
  sizeBytes: 9,
}

let events: string[] = []

const open = (unwanted: readonly string[] = []) => {
  events = []
  return openJournal({
    mainlog: { path: join(folder, 'log/mainlog.ec'), mode: 0o644 },
    rejectlog: { mode: 0o644 },
    acctlog: { mode: 0o644 },
    bouncelog: { path: join(folder, 'bouncelog.ec'), mode: 0o644 },
    paniclog: { path: join(folder, 'paniclog.ec'), mode: 0o644 },
    events: {
      wants: (type) => !unwanted.includes(type),
      append: ({ line }) => void events.push(line),
    },
    heartbeatSeconds: 0,
    bounceHeartbeatSeconds: 0,
    wants: (kind) => !unwanted.includes(kind),
    nodeName: 'node.example',
    now: () => 1_795_260_480_999,
    eventId: () => 'id-1',
  })
}

const read = (name: string) => readFile(join(folder, name), 'utf8')

test('a reception is a mainlog line and an injection event', async () => {
  const journal = await open()
  journal.reception(COPY, {
    message_id: '0000',
    customer_id: '',
    rcpt_meta: '{"a":1}',
    rcpt_tags: '["x"]',
    subject: 'Grüße',
  })
  await journal.close()
  expect(await read('log/mainlog.ec')).toMatch(/^1795260480@00\/00-1-2@.*@R@a@b\.example@@@127/)
  expect(JSON.parse(events.join())).toEqual({
    msys: {
      message_event: {
        type: 'injection',
        event_id: 'id-1',
        timestamp: '1795260480',
        node_name: 'node.example',
        message_id: '0000',
        rcpt_meta: { a: 1 },
        rcpt_tags: ['x'],
        subject: 'Grüße',
      },
    },
  })
})

test.each([
  ['open', 'track_event'],
  ['click', 'track_event'],
  ['link_unsubscribe', 'unsubscribe_event'],
] as const)('%s is a %s', async (type, eventClass) => {
  const journal = await open()
  journal.event(type, {})
  await journal.close()
  expect(JSON.parse(events.join()).msys[eventClass].type).toBe(type)
})

test('what is switched off is not written', async () => {
  const journal = await open(['receptions', 'injection'])
  journal.reception(COPY, {})
  await journal.close()
  expect(await read('log/mainlog.ec')).toBe('')
  expect(events).toEqual([])
})

test('after a rotation lines go to a new file of the same name', async () => {
  const journal = await open()
  journal.panic('scriptlet', 'before')
  await journal.flush()
  await rename(join(folder, 'paniclog.ec'), join(folder, 'paniclog.1'))
  await journal.reopen()
  journal.panic('scriptlet', 'after')
  await journal.close()
  expect(await read('paniclog.1')).toBe('1795260480:scriptlet: before\n')
  expect(await read('paniclog.ec')).toBe('1795260480:scriptlet: after\n')
})

test('a log that cannot be reopened fails nobody: it goes on, and paniclog says why', async () => {
  const journal = await open()
  await rename(join(folder, 'log/mainlog.ec'), join(folder, 'log/mainlog.1'))
  await mkdir(join(folder, 'log/mainlog.ec'))
  await journal.reopen()
  journal.reception(COPY, {})
  await journal.close()
  expect(await read('paniclog.ec')).toMatch(/^1795260480:ec_logger: not reopened: .*EISDIR/)
  expect(await read('log/mainlog.1')).toMatch(/^1795260480@/)
})
