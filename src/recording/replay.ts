// Plays a recorded session again, through a policy that is rehearsed: the same commands in the same order.
// A client that was logged in is logged in; STARTTLS and what never got an answer is left out.
import type { SaidReply } from '../rehearsal/client.ts'
import type { Rehearsal, RehearsedSession } from '../rehearsal/rehearsal.ts'
import type { TransactionResult } from '../rehearsal/result.ts'
import type { DeliveredEntry, Tape, TapeEntry } from './tape.ts'
import { type Exchange, exchangesOf } from './transcript.ts'

export interface Replay {
  /** Of the same commands, with the replies and deliveries of now. */
  readonly tape: Tape
  /** What each message came to, in their order. */
  readonly transactions: readonly TransactionResult[]
}

export async function replay(rehearsal: Rehearsal, tape: Tape): Promise<Replay> {
  const exchanges = exchangesOf(tape)
  const user = exchanges.find((exchange) => exchange.user !== undefined)?.user
  const session = await rehearsal.connect({
    peer: tape.peer,
    ...(user !== undefined && { authUser: user }),
  })
  const entries: TapeEntry[] = [{ kind: 'reply', text: replyText(session.greeting) }]
  const transactions: TransactionResult[] = []
  for (const exchange of exchanges.slice(1)) {
    const entry = await playExchange(session, exchange, transactions)
    entries.push(...entry)
  }
  const { end } = endOf(tape)
  await session.close(end === 'gone' ? 'abort' : undefined)
  entries.push({ kind: 'end', how: end })
  return { tape: { ...tape, isCaptured: true, entries }, transactions }
}

/** The clock stands where the session began: policy may go by the time of day. */
export function startOf({ began }: Tape): { readonly startMs?: number } {
  const startMs = Date.parse(began)
  return Number.isNaN(startMs) ? {} : { startMs }
}

async function playExchange(
  session: RehearsedSession,
  { phase, line, reply, message, user }: Exchange,
  transactions: TransactionResult[],
): Promise<TapeEntry[]> {
  if (message) {
    const result = await session.data(message)
    transactions.push(result)
    return [
      { kind: 'message', bytes: message },
      { kind: 'reply', text: replyText(result.reply) },
      ...deliveredOf(result),
    ]
  }
  const command: TapeEntry = { kind: 'command', line }
  if (phase === 'auth') {
    if (user === undefined)
      return reply === undefined ? [command] : [command, { kind: 'reply', text: reply }]
    const said = await session.authenticate()
    return [command, { kind: 'reply', text: replyText(said) }, { kind: 'auth', user }]
  }
  // The message that follows says DATA.
  if (/^data\b/i.test(line) && reply?.startsWith('354')) {
    return [command, { kind: 'reply', text: reply }]
  }
  const said = await session.say(line)
  return [command, { kind: 'reply', text: replyText(said) }]
}

function deliveredOf({ recipients }: TransactionResult): DeliveredEntry[] {
  return recipients.flatMap(({ copy }) => {
    if (!copy?.bytes) return []
    const { rcptto, mailfrom, bytes, after } = copy
    return [{ kind: 'delivered' as const, rcptto, mailfrom, bytes, context: after.message }]
  })
}

/** As it is sent: the code on every line. */
function replyText({ code, text }: SaidReply): string {
  const lines = text.split('\n')
  return lines.map((line, i) => `${code}${i === lines.length - 1 ? ' ' : '-'}${line}`).join('\n')
}

function endOf({ entries }: Tape): { readonly end: 'quit' | 'gone' } {
  const last = entries.at(-1)
  return { end: last?.kind === 'end' ? last.how : 'quit' }
}

/** A message of its own as a session: the envelope is that of its header. */
export function tapeOf(bytes: Buffer, mailfrom: string, rcpttos: readonly string[]): Tape {
  const said = (line: string, reply: string): TapeEntry[] => [
    { kind: 'command', line },
    { kind: 'reply', text: reply },
  ]
  return {
    peer: '127.0.0.1',
    began: '2026-01-01T00:00:00.000Z',
    isRedacted: false,
    isCaptured: false,
    entries: [
      { kind: 'reply', text: '220 ready' },
      ...said('EHLO client.example', '250 ok'),
      ...said(`MAIL FROM:<${mailfrom}>`, '250 ok'),
      ...rcpttos.flatMap((rcptto) => said(`RCPT TO:<${rcptto}>`, '250 ok')),
      ...said('DATA', '354 go on'),
      { kind: 'message', bytes },
      { kind: 'reply', text: '250 ok' },
      ...said('QUIT', '221 bye'),
      { kind: 'end', how: 'quit' },
    ],
  }
}
