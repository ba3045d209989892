// Console commands about single messages: message …, spool ….
import type { Answer } from '../http/control.ts'
import { toText } from '../mail/bytes.ts'
import { render } from '../mail/rendition.ts'
import type { QueuedMail, Test } from '../queuedmail.ts'
import { detailLines, textOf } from './queuetables.ts'
import { type Row, rowsOf } from './queuewalk.ts'
import { contextOf } from '../sentcopy.ts'
import { SpoolError } from '../spool/error.ts'
import type { Stored, Way } from '../spool/stored.ts'

export async function spoolCommand(
  mail: QueuedMail,
  verb: string,
  words: readonly string[],
): Promise<Answer> {
  if (verb === 'ls') return listing(mail, words[0] ?? '', (row) => [lineOf(row)])
  if (verb === 'verify') return verify(mail)
  const modifier = MODIFIERS.includes(words[0] ?? '') ? words[0] : undefined
  const id = words[modifier ? 1 : 0]
  if (!VERBS.includes(verb)) return usage(`spool ls|verify, spool ${VERBS.join('|')} ID`)
  if (!id) return usage(`spool ${verb} ID`)
  const rows = await called(mail, id, modifier === 'batch')
  if (rows.length === 0) return bad(`no queued message is called ${id}`)
  const test: Test = ({ stored, copy }) =>
    rows.some((row) => row.stored === stored && row.copy === copy)
  switch (verb) {
    case 'show':
      return show(mail, rows, modifier)
    case 'retry':
      return counted(mail.retry(test), 'tried now')
    case 'fail':
      return counted(await mail.fail(test, FAILED, modifier === 'quiet'), 'failed')
    case 'rm':
      return counted(mail.remove(test), 'removed')
    default:
      return exported(mail, rows)
  }
}

const FAILED = '554 5.7.0 [internal] manually failed'
const VERBS = ['show', 'retry', 'fail', 'rm', 'export']
/** `quiet`: the sender is not told; `body`, `full`: show all; `batch`: the copies of a message. */
const MODIFIERS = ['quiet', 'body', 'full', 'batch']

/** `range`: `LIMIT` or `LIMIT,OFFSET`. */
export async function listing(
  mail: QueuedMail,
  range: string,
  linesOf: (row: Row) => readonly string[],
  isWanted?: (way: Way) => boolean,
): Promise<Answer> {
  const [limit = Infinity, offset = 0] = range === '' ? [] : range.split(',').map(Number)
  if (Number.isNaN(limit + offset)) return bad(`${range} is not LIMIT or LIMIT,OFFSET`)
  const rows: Row[] = []
  let passed = 0
  for await (const row of rowsOf(mail, isWanted)) {
    if (rows.length >= limit) break
    if (passed++ >= offset) rows.push(row)
  }
  return good(rows.flatMap(linesOf), rows.map(factsOf))
}

function lineOf(row: Row): string {
  const { id, size, received, attempts, sender, recipient, note } = factsOf(row)
  const rest = note ? `  ${note}` : ''
  return `${id}  ${String(size).padStart(9)}  ${received}  ${attempts}  <${sender}>  <${recipient}>${rest}`
}

function factsOf({ entry, of, state }: Row) {
  const { batchId, receivedMs } = entry
  return {
    id: of.id,
    batch: batchId,
    message_id: of.facts['message_id'] ?? '',
    size: of.sizeBytes,
    received: new Date(receivedMs).toISOString(),
    sender: toText(of.mailfrom),
    recipient: toText(of.rcptto),
    domain: toText(of.routingDomain),
    attempts: state.attempts,
    next_attempt: state.nextAttemptMs > 0 ? new Date(state.nextAttemptMs).toISOString() : '',
    note: toText(state.note),
  }
}

async function show(mail: QueuedMail, rows: readonly Row[], part = ''): Promise<Answer> {
  const [row] = rows
  if (!row) return bad('nothing to show')
  const { entry, of, state } = row
  const context = contextOf(entry, of, state.context)
  const bytes = (await bytesOf(mail, row)).toString('latin1')
  const end = bytes.indexOf('\r\n\r\n')
  const header = end < 0 ? bytes : bytes.slice(0, end + 2)
  const content = part === 'body' || part === 'full' ? bytes : header
  const data = {
    copies: rows.map(factsOf),
    facts: { ...entry.facts, ...of.facts },
    context: {
      message: Object.fromEntries(context.message),
      connection: Object.fromEntries(context.connection),
    },
    content: toText(content),
  }
  const lines = data.copies.flatMap((facts) => [
    ...Object.entries(facts).map(([name, value]) => `${name}: ${value}`),
    '',
  ])
  return good([...lines, ...data.content.split('\r\n')], data)
}

async function exported(mail: QueuedMail, rows: readonly Row[]): Promise<Answer> {
  const [row] = rows
  if (!row) return bad('nothing to export')
  const bytes = await bytesOf(mail, row)
  return {
    isOk: true,
    text: toText(bytes.toString('latin1')),
    data: { base64: bytes.toString('base64') },
  }
}

/** Reads all that is queued: what is damaged is set aside by the spool as it is found, or was when it was opened. */
async function verify(mail: QueuedMail): Promise<Answer> {
  const damaged = [...(mail.setAside ?? [])]
  let octets = 0
  let messages = 0
  for (const stored of mail.unfinished()) {
    try {
      await mail.entry(stored)
      octets += (await mail.read(stored)).length
    } catch (error) {
      // It was sent meanwhile.
      if (error instanceof SpoolError && error.kind === 'finished') continue
      damaged.push(String(error))
    }
    messages++
  }
  const data = { messages, octets, damaged }
  const summary = `${messages} messages, ${octets} octets, ${damaged.length} damaged`
  return { ...good([...damaged, summary], data), isOk: damaged.length === 0 }
}

async function bytesOf(mail: QueuedMail, { stored, of }: Row): Promise<Buffer> {
  return render(await mail.read(stored), of.rendition)
}

/** The copy that is called so, or all copies of the message. */
async function called(mail: QueuedMail, id: string, isBatch: boolean): Promise<readonly Row[]> {
  const isRow = (row: Row): boolean => (isBatch ? row.entry.batchId === id : isCalled(row, id))
  const near = await firstOf(rowsOf(mail, undefined, cameWith(id)), isRow)
  return near.length > 0 ? near : firstOf(rowsOf(mail), isRow)
}

/** Those of the first message that has some. */
async function firstOf(rows: AsyncIterable<Row>, isRow: (row: Row) => boolean): Promise<Row[]> {
  const found: Row[] = []
  for await (const row of rows) {
    if (isRow(row)) found.push(row)
    // What is called so is of one message.
    else if (found.length > 0) break
  }
  return found
}

/** A message may take so long to come. */
const LONGEST_MS = 3_600_000

/** The id that events have begins with the second of its making: a million others need not be read. */
function cameWith(id: string): (stored: Stored) => boolean {
  const [, second] = /^([0-9a-f]{8})[0-9a-f]{12}$/.exec(id) ?? []
  if (second === undefined) return () => false
  const madeMs = Number.parseInt(second, 16) * 1000
  return ({ receivedMs }) => Math.abs(receivedMs - madeMs) < LONGEST_MS
}

/** By the id that logs have, or the one that events have. */
function isCalled({ of }: Row, id: string): boolean {
  return of.id === id || of.facts['message_id'] === id
}

/** What is known of a message; `body`: its octets; `full`: both. */
export async function details(mail: QueuedMail, words: readonly string[]): Promise<Answer> {
  const part = words[0] === 'body' || words[0] === 'full' ? words[0] : ''
  const id = words[part ? 1 : 0]
  if (!id) return usage('message details [full|body] ID')
  const rows = await called(mail, id, false)
  const [row] = rows
  if (!row) return bad(`no queued message is called ${id}`)
  const { data } = await show(mail, rows, part)
  const content =
    part === '' ? [] : toText((await bytesOf(mail, row)).toString('latin1')).split('\r\n')
  const facts = part === 'body' ? [] : detailLines(row)
  const between = part === 'full' ? [''] : []
  return good([...facts, ...between, ...content], data)
}

function counted(count: number, what: string): Answer {
  return good([`${count} ${count === 1 ? 'copy' : 'copies'} ${what}`], { count })
}

export function good(lines: readonly string[], data: unknown): Answer {
  return { isOk: true, text: textOf(lines), data }
}

export function bad(text: string): Answer {
  return { isOk: false, text: `${text}\n` }
}

export function usage(text: string): Answer {
  return bad(`usage: ${text}`)
}
