// Console commands about queued mail, for a running server or a spool that nobody has open: mailq, showqueue,
// message …, fail domain, flush domain, spool …. Names and tables are Momentum's where it has them.
import type { Answer } from './http/control.ts'
import { lowerCase, toText } from './mail/bytes.ts'
import { render } from './mail/rendition.ts'
import type { EntryCopy } from './spool/entry.ts'
import type { CopyState } from './spool/journal.ts'
import type { QueueItem } from './spool/queue.ts'
import type { Stored } from './spool/spool.ts'

/** The mail that is there, and what can be done to it. Copies on their way are left alone. */
export interface QueuedMail {
  unfinished(): readonly Stored[]
  read(stored: Stored): Promise<Buffer>
  retry(test: Test): number
  /** The reply is a line such as `554 5.4.7 …`. */
  fail(test: Test, reply: string, isQuiet: boolean): Promise<number>
  remove(test: Test): number
}

export function queuedMail(
  { unfinished, read }: Pick<QueuedMail, 'unfinished' | 'read'>,
  { retry, fail, remove }: Pick<QueuedMail, 'retry' | 'fail' | 'remove'>,
): QueuedMail {
  return { unfinished, read, retry, fail, remove }
}

type Test = (item: QueueItem) => boolean

/** One copy that is not finished. */
interface Row {
  readonly stored: Stored
  readonly copy: number
  readonly of: EntryCopy
  readonly state: CopyState
}

const FAILED = '554 5.4.7 [internal] message failed by operator'
const DOMAIN_FAILED = '554 5.4.7 [internal] domain failed by operator'

/** Undefined: no command of these. */
export async function queueCommand(
  mail: QueuedMail,
  argv: readonly string[],
  nowMs: number,
): Promise<Answer | undefined> {
  const [first = '', second = '', ...rest] = argv
  switch (first) {
    case 'mailq':
      return mailq(mail, nowMs)
    case 'showqueue':
      return second
        ? listing(rowsOf(mail).filter(({ of }) => isFor(of, second)))
        : usage('showqueue DOMAIN')
    case 'flush':
    case 'fail':
      return second === 'domain' ? domainCommand(mail, first, rest) : undefined
    case 'message':
      return spoolCommand(mail, second === 'details' ? 'show' : second, rest)
    case 'spool':
      return spoolCommand(mail, second, rest)
    default:
      return undefined
  }
}

function mailq(mail: QueuedMail, nowMs: number): Answer {
  const domains = new Map<string, { domain: string; active: number; delayed: number }>()
  for (const { of, state } of rowsOf(mail)) {
    const domain = toText(of.routingDomain)
    const row = domains.get(domain) ?? { domain, active: 0, delayed: 0 }
    if (state.attempts > 0 && state.nextAttemptMs > nowMs) row.delayed++
    else row.active++
    domains.set(domain, row)
  }
  const data = [...domains.values()].sort((a, b) => b.active + b.delayed - a.active - a.delayed)
  const lines = data.map(
    ({ domain, active, delayed }) => `${domain.padEnd(40)} ${pad(active)} ${pad(delayed)}`,
  )
  return good([`${'Domain'.padEnd(40)} ${'AQ'.padStart(8)} ${'DQ'.padStart(8)}`, ...lines], data)
}

async function domainCommand(
  mail: QueuedMail,
  verb: 'fail' | 'flush',
  words: readonly string[],
): Promise<Answer> {
  const isQuiet = verb === 'fail' && words[0] === 'quiet'
  const [domain, ...note] = isQuiet ? words.slice(1) : words
  if (!domain)
    return usage(`${verb} domain ${verb === 'fail' ? '[quiet] DOMAIN [NOTE]' : 'DOMAIN'}`)
  const test: Test = (item) => isFor(copyAt(item), domain)
  if (verb === 'flush') return counted(mail.retry(test), 'tried now')
  const reply = note.length > 0 ? `554 5.4.7 [internal] ${note.join(' ')}` : DOMAIN_FAILED
  return counted(await mail.fail(test, reply, isQuiet), 'failed')
}

async function spoolCommand(
  mail: QueuedMail,
  verb: string,
  words: readonly string[],
): Promise<Answer> {
  if (verb === 'ls') return listing(rowsOf(mail))
  if (verb === 'verify') return verify(mail)
  const modifier = MODIFIERS.includes(words[0] ?? '') ? words[0] : undefined
  const id = words[modifier ? 1 : 0]
  if (!VERBS.includes(verb)) return usage(`spool ls|verify, spool ${VERBS.join('|')} ID`)
  if (!id) return usage(`spool ${verb} ID`)
  const rows = rowsOf(mail).filter((row) =>
    modifier === 'batch' ? row.stored.entry.batchId === id : isCalled(row, id),
  )
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

const VERBS = ['show', 'retry', 'fail', 'rm', 'export']
/** `quiet`: the sender is not told; `body`, `full`: show all; `batch`: the copies of a message. */
const MODIFIERS = ['quiet', 'body', 'full', 'batch']

function listing(rows: readonly Row[]): Answer {
  const data = rows.map(factsOf)
  const lines = data.map(
    ({ id, size, received, attempts, sender, recipient, note }) =>
      `${id}  ${String(size).padStart(9)}  ${received}  ${attempts}  <${sender}>  <${recipient}>${note ? `  ${note}` : ''}`,
  )
  return good(lines, data)
}

function factsOf({ stored, of, state }: Row) {
  const { batchId, receivedMs } = stored.entry
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
  const { entry } = row.stored
  const bytes = (await bytesOf(mail, row)).toString('latin1')
  const end = bytes.indexOf('\r\n\r\n')
  const header = end < 0 ? bytes : bytes.slice(0, end + 2)
  const content = part === 'body' || part === 'full' ? bytes : header
  const data = {
    copies: rows.map(factsOf),
    facts: { ...entry.facts, ...row.of.facts },
    context: {
      message: { ...entry.context.message, ...row.of.context.message },
      connection: { ...entry.context.connection, ...row.of.context.connection },
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

/** Reads all that is queued: what is damaged is set aside by the spool as it is found. */
async function verify(mail: QueuedMail): Promise<Answer> {
  const damaged: string[] = []
  let octets = 0
  const all = mail.unfinished()
  for (const stored of all) {
    try {
      octets += (await mail.read(stored)).length
    } catch (error) {
      damaged.push(`${stored.entry.batchId}: ${String(error)}`)
    }
  }
  const data = { messages: all.length, octets, damaged }
  const summary = `${all.length} messages, ${octets} octets, ${damaged.length} damaged`
  return { ...good([...damaged, summary], data), isOk: damaged.length === 0 }
}

async function bytesOf(mail: QueuedMail, { stored, of }: Row): Promise<Buffer> {
  return render(await mail.read(stored), of.rendition)
}

function rowsOf(mail: QueuedMail): Row[] {
  return mail.unfinished().flatMap((stored) =>
    stored.entry.copies.flatMap((of, copy): Row[] => {
      const state = stored.copies[copy]
      return state && !state.done ? [{ stored, copy, of, state }] : []
    }),
  )
}

/** By the id that logs have, or the one that events have. */
function isCalled({ of }: Row, id: string): boolean {
  return of.id === id || of.facts['message_id'] === id
}

function copyAt({ stored, copy }: QueueItem): EntryCopy | undefined {
  return stored.entry.copies[copy]
}

function isFor(copy: EntryCopy | undefined, domain: string): boolean {
  return copy !== undefined && lowerCase(copy.routingDomain) === lowerCase(domain)
}

function pad(count: number): string {
  return String(count).padStart(8)
}

function counted(count: number, what: string): Answer {
  return good([`${count} ${count === 1 ? 'copy' : 'copies'} ${what}`], { count })
}

function good(lines: readonly string[], data: unknown): Answer {
  return { isOk: true, text: lines.map((line) => `${line}\n`).join(''), data }
}

function bad(text: string): Answer {
  return { isOk: false, text: `${text}\n` }
}

function usage(text: string): Answer {
  return bad(`usage: ${text}`)
}
