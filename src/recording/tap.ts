// Listens in on one SMTP connection between a client and a server, and says what to pass on. Nothing is
// changed but what a recorder could not follow: STARTTLS and CHUNKING are taken out of the reply to EHLO, and
// refused when a client asks for them all the same. What follows AUTH is passed on and never kept.
import { fromBytes, toBytes } from '../mail/bytes.ts'
import type { Command } from '../smtp/conversation.ts'
import { openLines } from '../smtp/line.ts'
import { openScanner } from '../smtp/scanner.ts'
import type { TapeEntry } from './tape.ts'

export interface Tap {
  /** Octets of the client. */
  fromClient(chunk: Buffer): void
  /** Octets of the server. */
  fromServer(chunk: Buffer): void
}

export interface TapOutput {
  toServer(bytes: Buffer): void
  toClient(bytes: Buffer): void
  keep(entry: TapeEntry): void
  /** The reply to a final dot has been kept. */
  messageAnswered(): void
}

/** A larger message is passed on, but not kept. */
const MAX_MESSAGE_OCTETS = 64 * 1024 * 1024
/** Extensions whose octets a recorder could not read. */
const HIDDEN = /^(?:STARTTLS|CHUNKING|BINARYMIME)\b/i
const REFUSED = new Set(['STARTTLS', 'BDAT'])
const REFUSAL = '502 5.5.1 not offered here'
const SECRET = '***'

/** What the next reply answers; `refused`: ours, which waits for its turn. */
interface Awaited {
  readonly verb: string
  readonly isRefused?: boolean
}

type Mode =
  | { readonly kind: 'commands'; readonly lines: ReturnType<typeof openLines> }
  /** Whether commands or content follow is the server's to say. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'secret'; readonly lines: ReturnType<typeof openLines> }
  | { readonly kind: 'content'; readonly scanner: ReturnType<typeof openScanner> }

interface Listening {
  readonly output: TapOutput
  readonly awaited: Awaited[]
  mode: Mode
  /** Octets of the client that wait for the server's word. */
  waiting: Buffer
  /** Of a line that is not complete yet: a command is passed on whole, so that it can be refused. */
  held: Buffer[]
  /** Of a reply that is not complete yet. */
  reply: string
  /** Who AUTH is said to be, until it is known whether that is true. */
  claimed: string
}

export function openTap(output: TapOutput): Tap {
  const tap: Listening = {
    output,
    awaited: [{ verb: 'CONNECT' }],
    mode: commands(),
    waiting: NONE,
    held: [],
    reply: '',
    claimed: '',
  }
  return {
    fromClient: (chunk) => hearClient(tap, chunk),
    fromServer: (chunk) => hearServer(tap, chunk),
  }
}

const NONE = Buffer.alloc(0)

function hearClient(tap: Listening, chunk: Buffer): void {
  let rest = chunk
  while (rest.length > 0) {
    const { mode } = tap
    if (mode.kind === 'waiting') {
      tap.waiting = Buffer.concat([tap.waiting, rest])
      return
    }
    rest =
      mode.kind === 'content' ? hearContent(tap, mode.scanner, rest) : hearLine(tap, mode, rest)
  }
}

function hearContent(
  tap: Listening,
  scanner: ReturnType<typeof openScanner>,
  chunk: Buffer,
): Buffer {
  const result = scanner.push(chunk)
  const rest = result.done ? result.rest : chunk.subarray(chunk.length)
  tap.output.toServer(chunk.subarray(0, chunk.length - rest.length))
  if (!result.done) return rest
  const { received } = result
  if (received.kind === 'message') tap.output.keep({ kind: 'message', bytes: received.bytes })
  tap.awaited.push({ verb: 'CONTENT' })
  tap.mode = commands()
  return rest
}

function hearLine(tap: Listening, from: Extract<Mode, { lines: unknown }>, chunk: Buffer): Buffer {
  const result = from.lines.push(chunk)
  const rest = result.done ? result.rest : chunk.subarray(chunk.length)
  tap.held.push(chunk.subarray(0, chunk.length - rest.length))
  if (!result.done) return rest
  const raw = Buffer.concat(tap.held)
  tap.held = []
  if (from.kind === 'secret') hearSecret(tap, raw)
  else if (result.line.kind === 'command') hearCommand(tap, result.line.command, raw)
  else hearCommand(tap, { verb: '', line: '' }, raw)
  return rest
}

function hearSecret(tap: Listening, raw: Buffer): void {
  tap.claimed ||= userIn(fromBytes(raw).trim())
  tap.output.keep({ kind: 'command', line: SECRET })
  tap.awaited.push({ verb: 'AUTH' })
  tap.mode = { kind: 'waiting' }
  tap.output.toServer(raw)
}

function hearCommand(
  tap: Listening,
  { verb, line }: Pick<Command, 'verb' | 'line'>,
  raw: Buffer,
): void {
  const { awaited, output } = tap
  output.keep({ kind: 'command', line: verb === 'AUTH' ? withoutSecret(line) : line })
  if (verb === 'AUTH') tap.claimed = userIn(line.split(/\s+/)[2] ?? '')
  const isRefused = REFUSED.has(verb)
  awaited.push({ verb, isRefused })
  if (verb === 'DATA' || verb === 'AUTH') tap.mode = { kind: 'waiting' }
  if (isRefused) answerRefused(tap)
  else output.toServer(raw)
}

function answerRefused(tap: Listening): void {
  while (tap.awaited[0]?.isRefused) {
    tap.awaited.shift()
    answer(tap, REFUSAL)
  }
}

function answer({ output }: Listening, text: string): void {
  output.keep({ kind: 'reply', text })
  const lines = text.split('\n').map((line) => `${line}\r\n`)
  output.toClient(toBytes(lines.join('')))
}

function hearServer(tap: Listening, chunk: Buffer): void {
  tap.reply += fromBytes(chunk)
  for (;;) {
    const [whole] = /^(?:\d{3}-[^\n]*\n)*\d{3}(?![\d-])[^\n]*\n/.exec(tap.reply) ?? []
    if (whole === undefined) break
    tap.reply = tap.reply.slice(whole.length)
    hearReply(tap, whole.replace(/\r?\n$/, '').replaceAll('\r\n', '\n'))
  }
  // What is no reply is nobody's to understand: it goes on as it is.
  if (/^(?!\d{3})[^\n]*\n/.test(tap.reply) || tap.reply.length > MAX_REPLY) {
    tap.output.toClient(toBytes(tap.reply))
    tap.reply = ''
  }
}

function hearReply(tap: Listening, text: string): void {
  const { verb = '' } = tap.awaited.shift() ?? {}
  answer(tap, verb === 'EHLO' ? withoutHidden(text) : text)
  if (verb === 'AUTH' && text.startsWith('235'))
    tap.output.keep({ kind: 'auth', user: tap.claimed })
  if (verb === 'CONTENT') tap.output.messageAnswered()
  answerRefused(tap)
  if (tap.mode.kind !== 'waiting' || (verb !== 'DATA' && verb !== 'AUTH')) return
  tap.mode = afterReply(verb, text)
  const rest = tap.waiting
  tap.waiting = NONE
  hearClient(tap, rest)
}

/** Whether the recorder answers that command itself: the server was not asked. */
export function isRefusedByUs(line: string): boolean {
  return REFUSED.has(/^[a-z]*/i.exec(line)?.[0].toUpperCase() ?? '')
}

/** Octets of one reply. */
const MAX_REPLY = 1024 * 1024

function commands(): Mode {
  return { kind: 'commands', lines: openLines() }
}

function afterReply(verb: string, text: string): Mode {
  if (verb === 'DATA' && text.startsWith('354')) {
    const limits = { maxMessageSize: MAX_MESSAGE_OCTETS, loneLineEnds: 'fix' } as const
    return { kind: 'content', scanner: openScanner(limits) }
  }
  if (verb === 'AUTH' && text.startsWith('334')) {
    return { kind: 'secret', lines: openLines(() => true) }
  }
  return commands()
}

/** The mechanism may be known, what follows it not. */
function withoutSecret(line: string): string {
  const [, head = 'AUTH', secret = ''] = /^(\S+(?:\s+\S+)?)(.*)$/.exec(line) ?? []
  return secret.trim() === '' ? head : `${head} ${SECRET}`
}

/** Of PLAIN the second of three, of LOGIN the first answer: the password stays out. */
function userIn(response: string): string {
  const decoded = fromBytes(Buffer.from(response, 'base64'))
  const [first = '', user] = decoded.split('\0')
  return user ?? first
}

/** A reply must end with a line that says so, also when that one was taken out. */
function withoutHidden(text: string): string {
  const lines = text.split('\n').filter((line, i) => i === 0 || !HIDDEN.test(line.slice(4)))
  return lines
    .map((line, i) => `${line.slice(0, 3)}${i === lines.length - 1 ? ' ' : '-'}${line.slice(4)}`)
    .join('\n')
}
