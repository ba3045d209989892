// `rebind`: queued mail of a binding, or of all, gets the binding that policy gives it now (manual page
// "console_commands.rebind").
import type { Answer } from '../http/control.ts'
import { DEFAULT_EGRESS, type Egress } from '../mail/envelope.ts'
import type { BindingNow } from '../rebinding.ts'
import type { Dispatcher } from '../relay/dispatcher.ts'
import { wayOf } from '../spool/queue.ts'
import type { Way } from '../spool/stored.ts'
import { usage } from './answers.ts'
import { isBy, isFor, isNoName } from './selection.ts'

export interface Rebound {
  /** Copies that policy was asked about. */
  readonly rebound: number
  /** Those of them that go by another binding than before. */
  readonly changed: number
  /** Copies that stay as they were, and why. */
  readonly failed: number
  readonly failure: string
}

export const REBIND_HELP = 'rebind BINDING|all [DOMAIN]'

/** Undefined: another command. */
export async function rebindCommand(
  {
    relay,
    bindingNow,
  }: { readonly relay: Pick<Dispatcher, 'reroute'>; readonly bindingNow: BindingNow },
  [first, binding = '', domain, ...more]: readonly string[],
): Promise<Answer | undefined> {
  if (first !== 'rebind') return undefined
  if (isNoName(binding) || more.length > 0) return usage(REBIND_HELP)
  let rebound = 0
  const { count, left, failure } = await relay.reroute(
    (item) => {
      const way = wayOf(item)
      const isOf = binding === 'all' || isBy(way, binding)
      return isOf && (domain === undefined || isFor(way, domain))
    },
    async (item) => {
      const way = wayOf(item)
      const egress = await bindingNow(item)
      rebound++
      return isSame(egress, way.egress) ? undefined : boundTo(way, egress)
    },
  )
  return rebindAnswer({ rebound, changed: count, failed: left, failure })
}

function boundTo({ routingDomain, priority }: Way, egress: Egress | undefined): Way {
  return { routingDomain, ...(priority && { priority }), ...(egress && { egress }) }
}

function isSame(a: Egress = DEFAULT_EGRESS, b: Egress = DEFAULT_EGRESS): boolean {
  return a.binding === b.binding && a.group === b.group
}

export function isRebound(data: unknown): data is Rebound {
  return typeof data === 'object' && data !== null && 'rebound' in data
}

/** Of several workers. */
export function mergeRebounds(a: Rebound, b: Rebound): Rebound {
  return {
    rebound: a.rebound + b.rebound,
    changed: a.changed + b.changed,
    failed: a.failed + b.failed,
    failure: a.failure || b.failure,
  }
}

export function rebindAnswer(data: Rebound): Answer {
  const { rebound, changed, failed, failure } = data
  const done = `Rebound ${rebound} messages.\n${changed} of them go by another binding now.\n`
  const stayed = failure === '' ? '' : `${failed} messages stay as they were: ${failure}\n`
  return { isOk: failure === '', text: done + stayed, data }
}
