// What policy hears of deliveries: core_log_delivery_v1, core_log_transient_failure_v1,
// core_log_permanent_failure_v1, core_log_attempt_v1 and, before another attempt,
// core_pre_mailq_message_requeue of the current policy, each with the copy as it was
// sent, whose code is the reply (C reference pages of the same names). The spool is read only where a script has
// the hook. Context variables that hooks set before another attempt stay with the copy. What happened stands;
// but the text that core_log_permanent_failure_v1 gives a failure by msg:set_code is what is told of it.
import type { Generation } from './generation.ts'
import type { DomainRecords } from './observing/domainrecords.ts'
import {
  applyChanges,
  type ContextChanges,
  contextChanges,
  copyContext,
  UNCHANGED,
} from './mail/context.ts'
import { andThen } from './mail/eventually.ts'
import { routingDomain } from './mail/envelope.ts'
import type { CalloutName } from './policy/phases.ts'
import type { Policy } from './policy/policy.ts'
import type { PolicySession } from './policy/session.ts'
import type { Attempt } from './relay/attempt.ts'
import type { KnownHop } from './relay/lane.ts'
import { outcome } from './relay/outcome.ts'
import { type Route, settledHop } from './relay/route.ts'
import { sentCopy, subjectOf } from './sentcopy.ts'
import type { Spool } from './spool/spool.ts'
import type { Way } from './spool/stored.ts'

export interface DeliveryHooks {
  /** Begins before the outcome is settled; what it returns is called after that. */
  tell(kind: 'delivered' | 'deferred', attempt: Attempt): () => void
  /** Before a failure is settled: the attempts, worded as policy wants them. */
  lastWord(attempts: readonly Attempt[]): Promise<readonly Attempt[]>
}

type Kind = 'delivered' | 'deferred' | 'failed'

const HOOKS: Readonly<Record<Kind, readonly CalloutName[]>> = {
  delivered: ['core_log_attempt_v1', 'core_log_delivery_v1'],
  deferred: [
    'core_log_attempt_v1',
    'core_log_transient_failure_v1',
    'core_pre_mailq_message_requeue',
  ],
  failed: ['core_log_attempt_v1', 'core_log_permanent_failure_v1'],
}

export interface HookedRelay {
  readonly current: () => Generation
  readonly spool: Pick<Spool, 'read' | 'change'>
  /** Every attempt is counted there. */
  readonly records: DomainRecords
  readonly route: (way: Way) => Route
  readonly now: () => number
}

export function deliveryHooks({ current, spool, records, route, now }: HookedRelay): DeliveryHooks {
  const sessionOf = deliverySessions()

  /** Undefined: nobody is for it. */
  const begin = (kind: Kind, attempt: Attempt): (() => Promise<string>) | undefined => {
    records.note(kind, attempt)
    const { policy, journal } = current()
    const names = HOOKS[kind].filter(policy.has)
    if (names.length === 0) return undefined
    const session = sessionOf(policy)
    // Now: when the outcome is settled the octets may go.
    const data = spool.read(attempt.stored).catch(() => Buffer.alloc(0))
    const way = attempt.stored.ways[attempt.copyIndex]
    const hop = way && route(way).hop
    const changed = attempt.stored.copies[attempt.copyIndex]?.context
    const panic = (text: string): void => journal.panic('scriptlet', text)
    return async () => {
      try {
        const msg = sentCopy(attempt, await data)
        const { context } = msg.current
        const original = copyContext(context)
        if (changed) applyChanges(context, changed)
        const dr = await recordFields(routingDomain(msg.current.envelope), records, hop)
        for (const name of names) {
          const { text: note } = attempt
          const extra = { dr, now: now() / 1000, note, note_len: note.length }
          const subject = { ...subjectOf(attempt, msg, panic), extra }
          await andThen(session.run(name, subject), () => undefined)
        }
        const changes = contextChanges(original, context)
        if (kind === 'deferred' && !isSame(changes, changed))
          spool.change(attempt.stored, attempt.copyIndex, changes)
        msg.gone = 'its delivery has been told'
        return msg.current.status ?? attempt.text
      } catch (error) {
        panic(`${names.join()}: ${String(error)}`)
        return attempt.text
      }
    }
  }

  return {
    tell(kind, attempt) {
      const run = begin(kind, attempt)
      return run ? () => void run() : () => {}
    },
    async lastWord(attempts) {
      const worded: Attempt[] = []
      for (const attempt of attempts) {
        const text = await begin('failed', attempt)?.()
        worded.push(text === undefined ? attempt : { ...attempt, ...reworded(attempt, text) })
      }
      return worded
    },
  }
}

/** As the fields of `dr`: times in seconds since 1970, 0 for never; what is not known is left out. */
async function recordFields(
  domain: string,
  records: DomainRecords,
  hop: KnownHop | undefined,
): Promise<ReadonlyMap<string, string | number>> {
  const record = records.of(domain)
  const fields = new Map<string, string | number>([
    ['domain', domain],
    ['deliveries', record.deliveries],
    ['attempts', record.attempts],
    ['transients', record.transients],
    ['failures', record.failures],
    ['last_delivery', record.lastDeliveryMs / 1000],
    ['dns_failures', record.dnsFailures],
  ])
  if (!hop) return fields
  fields.set('expiry', Math.round(hop.untilMs / 1000))
  const found = await settledHop(hop)
  if (found?.kind === 'smtp' && found.mx) fields.set('mxcnt', found.mx.length)
  return fields
}

/** A failure stays one. */
function reworded(attempt: Attempt, text: string): Pick<Attempt, 'code' | 'text'> {
  const { kind, code, text: line } = outcome(0, text)
  return kind === 'failed' ? { code, text: line } : attempt
}

function isSame(changes: ContextChanges, known: ContextChanges | undefined): boolean {
  return JSON.stringify(changes) === JSON.stringify(known ?? UNCHANGED)
}

/** One session for all deliveries of a policy. */
export function deliverySessions(): (policy: Policy) => PolicySession {
  const sessions = new WeakMap<Policy, PolicySession>()
  return (policy) => {
    const session = sessions.get(policy) ?? policy.openSession()
    sessions.set(policy, session)
    return session
  }
}
