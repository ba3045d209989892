// What differs between a recorded session and the same played again, by phase.
import { toText } from '../mail/bytes.ts'
import { normalContext, normalMessage, normalText } from './normal.ts'
import type { DeliveredEntry, Tape } from './tape.ts'
import { isRefusedByUs } from './tap.ts'
import { type Exchange, type ExchangePhase, exchangesOf } from './transcript.ts'

/** `copy`: what was delivered to a recipient; `context`: its variables. */
export type DifferencePhase = ExchangePhase | 'copy' | 'context'

export interface Difference {
  readonly phase: DifferencePhase
  /** The command or recipient that it is about. */
  readonly about: string
  /** Lines; empty where there was nothing. */
  readonly recorded: readonly string[]
  readonly played: readonly string[]
}

export interface CompareOptions {
  /** Texts of refusals are not compared, only their codes. */
  readonly codesOnly: boolean
}

/** Both tapes are of the same commands. Where nothing was captured, nothing that was delivered is compared. */
export function compareTapes(recorded: Tape, played: Tape, options: CompareOptions): Difference[] {
  const again = exchangesOf(played)
  return exchangesOf(recorded).flatMap((exchange, i) => {
    const other = again[i]
    const isCompared = recorded.isCaptured && exchange.message !== undefined
    return [
      ...compareReplies(exchange, other, options),
      ...(isCompared ? compareDelivered(exchange.delivered, other?.delivered ?? []) : []),
    ]
  })
}

function compareReplies(
  { phase, line, reply }: Exchange,
  other: Exchange | undefined,
  { codesOnly }: CompareOptions,
): Difference[] {
  // What a server says of itself is its own, and who may log in is not the policy's to say.
  if (phase === 'auth' || reply === undefined || isRefusedByUs(line)) return []
  const [recorded, played] = [essence(reply, codesOnly), essence(other?.reply ?? '', codesOnly)]
  if (recorded === played) return []
  return [
    {
      phase,
      about: toText(line),
      recorded: [toText(reply)],
      played: other?.reply === undefined ? [] : [toText(other.reply)],
    },
  ]
}

/** The code; of a refusal also what it says. */
function essence(reply: string, codesOnly: boolean): string {
  return reply.startsWith('2') || reply.startsWith('3') || codesOnly
    ? reply.slice(0, 3)
    : normalText(toText(reply))
}

function compareDelivered(
  recorded: readonly DeliveredEntry[],
  played: readonly DeliveredEntry[],
): Difference[] {
  const left = [...played]
  const found = recorded.flatMap((entry) => {
    const at = left.findIndex(({ rcptto }) => rcptto.toLowerCase() === entry.rcptto.toLowerCase())
    const [other] = at < 0 ? [] : left.splice(at, 1)
    return [...compareCopies(entry, other), ...compareContexts(entry, other)]
  })
  const more = left.map((entry): Difference => ({
    phase: 'copy',
    about: toText(entry.rcptto),
    recorded: [],
    played: copyLines(entry),
  }))
  return [...found, ...more]
}

function compareCopies(entry: DeliveredEntry, other: DeliveredEntry | undefined): Difference[] {
  const recorded = copyLines(entry)
  const played = other ? copyLines(other) : []
  if (recorded.join('\n') === played.join('\n')) return []
  return [{ phase: 'copy', about: toText(entry.rcptto), recorded, played }]
}

export function copyLines({ mailfrom, bytes }: DeliveredEntry): string[] {
  return [`MAIL FROM:<${toText(mailfrom)}>`, ...normalMessage(bytes)]
}

function compareContexts(
  { rcptto, context }: DeliveredEntry,
  other: DeliveredEntry | undefined,
): Difference[] {
  if (!context || !other) return []
  const [recorded, played] = [context, other.context ?? {}].map((one) =>
    Object.entries(normalContext(one)).map(([name, value]) => `${name}=${value}`),
  )
  if (recorded?.join('\n') === played?.join('\n')) return []
  return [
    { phase: 'context', about: toText(rcptto), recorded: recorded ?? [], played: played ?? [] },
  ]
}
