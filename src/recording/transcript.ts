// A tape read as a session: what was said and answered, message by message.
import type { DeliveredEntry, Tape, TapeEntry } from './tape.ts'

type ReplyEntry = Extract<TapeEntry, { kind: 'reply' }>

/** A command (or the final dot, or the connection itself) and its reply, undefined where none came. */
export interface Exchange {
  readonly phase: ExchangePhase
  /** `''` for the connection; secrets are not in it. */
  readonly line: string
  readonly reply: string | undefined
  /** Of the final dot. */
  readonly message?: Buffer
  readonly delivered: readonly DeliveredEntry[]
  /** Of AUTH, who it was. */
  readonly user?: string
}

export type ExchangePhase = 'connect' | 'ehlo' | 'auth' | 'mailfrom' | 'rcptto' | 'data' | 'other'

const PHASES: Readonly<Record<string, ExchangePhase>> = {
  EHLO: 'ehlo',
  HELO: 'ehlo',
  AUTH: 'auth',
  MAIL: 'mailfrom',
  RCPT: 'rcptto',
  DATA: 'data',
}

interface Draft {
  phase: ExchangePhase
  line: string
  reply: ReplyEntry | undefined
  message?: Buffer
  delivered: DeliveredEntry[]
  user?: string
}

/** Replies belong to commands in their order, also where a client sent several at once. */
export function exchangesOf({ entries }: Pick<Tape, 'entries'>): Exchange[] {
  return draftsOf(entries).map(({ reply, ...draft }) => ({ ...draft, reply: reply?.text }))
}

/** A message that was sent, the recipients that were taken for it (in lower case), and the final reply. */
export interface SentMessage {
  readonly rcpttos: readonly string[]
  readonly message: Buffer
  readonly reply: ReplyEntry
}

export function messagesIn(entries: readonly TapeEntry[]): SentMessage[] {
  const messages: SentMessage[] = []
  let rcpttos: string[] = []
  for (const { phase, line, reply, message } of draftsOf(entries)) {
    if (phase === 'mailfrom') rcpttos = []
    if (phase === 'rcptto' && reply?.text.startsWith('2'))
      rcpttos.push(addressIn(line).toLowerCase())
    if (message && reply) messages.push({ rcpttos, message, reply })
  }
  return messages
}

/** Whether everything that was said has been answered. */
export function isSettled(entries: readonly TapeEntry[]): boolean {
  return draftsOf(entries).every(({ reply }) => reply !== undefined)
}

/** Of MAIL or RCPT, without angle brackets. */
export function addressIn(line: string): string {
  const [, address] = /:\s*<([^>]*)>/.exec(line) ?? /:\s*(\S+)/.exec(line) ?? []
  return address ?? ''
}

function draftsOf(entries: readonly TapeEntry[]): Draft[] {
  const greeting: Draft = { phase: 'connect', line: '', reply: undefined, delivered: [] }
  const drafts = [greeting]
  const waiting = [greeting]
  let answered: Draft | undefined
  for (const entry of entries) {
    switch (entry.kind) {
      case 'reply':
        answered = waiting.shift()
        if (answered) answered.reply = entry
        break
      case 'command': {
        const draft: Draft = {
          phase: phaseOf(entry.line),
          line: entry.line,
          reply: undefined,
          delivered: [],
        }
        drafts.push(draft)
        waiting.push(draft)
        break
      }
      case 'message': {
        const draft: Draft = {
          phase: 'data',
          line: '.',
          reply: undefined,
          message: entry.bytes,
          delivered: [],
        }
        drafts.push(draft)
        waiting.push(draft)
        break
      }
      case 'delivered':
        answered?.delivered.push(entry)
        break
      case 'auth':
        if (answered) answered.user = entry.user
        break
      case 'end':
        break
      default:
        entry satisfies never
    }
  }
  return drafts
}

/** What follows AUTH is no command. */
function phaseOf(line: string): ExchangePhase {
  if (line === '***') return 'auth'
  const verb = /^[a-z]*/i.exec(line)?.[0].toUpperCase() ?? ''
  return PHASES[verb] ?? 'other'
}
