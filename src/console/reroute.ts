// `reroute queue`: queued mail of one domain, or of all, goes to the queue of another (manual page
// "console_commands.reroute_queue").
import type { Answer } from '../http/control.ts'
import { fromText, lowerCase } from '../mail/bytes.ts'
import type { QueuedMail } from '../queuedmail.ts'
import type { Dispatcher } from '../relay/dispatcher.ts'
import type { Rerouted } from '../relay/rerouting.ts'
import { wayOf } from '../spool/queue.ts'
import {
  FILTER,
  filtered,
  isFor,
  isNoName,
  preview,
  previewAnswer,
  type Selection,
  testOf,
} from './selection.ts'

export interface Reroute extends Rerouted {
  readonly from: string
  readonly to: string
}

interface Wanted extends Selection {
  readonly isDry: boolean
  readonly from: string
  readonly to: string
  /** The same as a queue is named. */
  readonly domain: string
}

export const REROUTE_HELP = `reroute queue [--dry-run] [${FILTER}] DOMAIN|all NEWDOMAIN`

/** Undefined: another command. */
export async function rerouteCommand(
  { mail, relay }: { readonly mail: QueuedMail; readonly relay: Pick<Dispatcher, 'reroute'> },
  [first, second, ...words]: readonly string[],
): Promise<Answer | undefined> {
  if (first !== 'reroute' || second !== 'queue') return undefined
  const wanted = wantedOf(words)
  if (!wanted) return { isOk: false, text: `usage: ${REROUTE_HELP}\n` }
  const { from, to, domain, isDry } = wanted
  const about = { target: `${from} -> ${to}`, done: 'moved' } as const
  if (isDry) return previewAnswer(await preview(mail, wanted, about))
  const test = await testOf(mail, wanted)
  const rerouted = await relay.reroute(test, (item) => ({ ...wayOf(item), routingDomain: domain }))
  return rerouteAnswer({ from, to, ...rerouted })
}

/** `--dry-run` counts wherever it stands. Undefined: that is no such command. */
function wantedOf(words: readonly string[]): Wanted | undefined {
  const told = words.filter((word) => word !== '--dry-run')
  const [filter, from = '', to = '', ...more] = filtered(told)
  const domain = lowerCase(fromText(to))
  if (isNoName(from) || isNoName(to) || more.length > 0 || !/^[\w.[\]:-]+$/.test(domain)) {
    return undefined
  }
  return {
    isDry: told.length < words.length,
    filter,
    from,
    to,
    domain,
    isWanted: (way) => (from === 'all' || isFor(way, from)) && way.routingDomain !== domain,
  }
}

export function isReroute(data: unknown): data is Reroute {
  return typeof data === 'object' && data !== null && 'left' in data
}

/** Of several workers. */
export function mergeReroutes(a: Reroute, b: Reroute): Reroute {
  const { count, left, failure } = b
  return { ...a, count: a.count + count, left: a.left + left, failure: a.failure || failure }
}

export function rerouteAnswer(data: Reroute): Answer {
  const { count, left, failure, from, to } = data
  const moved = `Moved ${count} messages from '${from}' to '${to}'\n`
  const stayed = failure === '' ? '' : `${left} messages stay where they were: ${failure}\n`
  return { isOk: failure === '', text: moved + stayed, data }
}
