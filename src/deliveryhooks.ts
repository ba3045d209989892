// What policy hears of deliveries: core_log_delivery_v1, core_log_transient_failure_v1,
// core_log_permanent_failure_v1, core_log_attempt_v1 and, before another attempt,
// core_pre_mailq_message_requeue of the current policy, each with the copy as it was
// sent, whose code is the reply (C reference pages of the same names). The spool is read only where a script has
// the hook. Context variables that hooks set stay with the copy while this process runs. What happened stands;
// but the text that core_log_permanent_failure_v1 gives a failure by msg:set_code is what is told of it.
import type { Generation } from './generation.ts'
import { makeDomainRecords } from './domainrecords.ts'
import { type Context, copyContext } from './mail/context.ts'
import { andThen } from './mail/eventually.ts'
import { routingDomain } from './mail/envelope.ts'
import type { CalloutName } from './policy/phases.ts'
import type { Policy } from './policy/policy.ts'
import type { PolicySession } from './policy/session.ts'
import type { Attempt } from './relay/attempt.ts'
import { outcome } from './relay/outcome.ts'
import { sentCopy, subjectOf } from './sentcopy.ts'
import type { Spool } from './spool/spool.ts'
import type { Stored } from './spool/stored.ts'

export interface DeliveryHooks {
  /** Begins before the outcome is settled; what it returns is called after that. */
  tell(kind: 'delivered' | 'deferred', attempt: Attempt): () => void
  /** Before a failure is settled: the attempts, worded as policy wants them. */
  lastWord(attempts: readonly Attempt[]): Promise<readonly Attempt[]>
}

type Kind = 'delivered' | 'deferred' | 'failed'

const HOOKS = {
  delivered: ['core_log_delivery_v1'],
  deferred: ['core_log_transient_failure_v1', 'core_pre_mailq_message_requeue'],
  failed: ['core_log_permanent_failure_v1'],
} as const satisfies Record<Kind, readonly CalloutName[]>

export function deliveryHooks(
  current: () => Generation,
  spool: Pick<Spool, 'read'>,
  now: () => number,
): DeliveryHooks {
  const sessionOf = deliverySessions()
  const records = makeDomainRecords(now)
  const kept = keptContexts()

  /** Undefined: nobody is for it. */
  const begin = (kind: Kind, attempt: Attempt): (() => Promise<string>) | undefined => {
    const { policy, journal } = current()
    if (!Object.values(HOOKS).flat().some(policy.has) && !policy.has('core_log_attempt_v1'))
      return undefined
    const domain = attempt.entry.copies[attempt.copyIndex]?.routingDomain ?? ''
    records.note(domain, kind, attempt)
    const names = (['core_log_attempt_v1', ...HOOKS[kind]] as const).filter(policy.has)
    if (names.length === 0) return undefined
    const session = sessionOf(policy)
    // Now: when the outcome is settled the octets may go.
    const data = spool.read(attempt.stored).catch(() => Buffer.alloc(0))
    const panic = (text: string): void => journal.panic('scriptlet', text)
    return async () => {
      try {
        const msg = sentCopy(attempt, await data)
        const { context } = msg.current
        const before = kept.restore(attempt, context)
        const dr = records.of(routingDomain(msg.current.envelope))
        for (const name of names) {
          const { text: note } = attempt
          const extra = { dr, now: now() / 1000, note, note_len: note.length }
          const subject = { ...subjectOf(attempt, msg, panic), extra }
          await andThen(session.run(name, subject), () => undefined)
        }
        kept.keep(attempt, before, context)
        msg.gone = 'its delivery has been told'
        return msg.current.status ?? attempt.text
      } catch (error) {
        panic(`${HOOKS[kind][0]}: ${String(error)}`)
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

/** A failure stays one. */
function reworded(attempt: Attempt, text: string): Pick<Attempt, 'code' | 'text'> {
  const { kind, code, text: line } = outcome(0, text)
  return kind === 'failed' ? { code, text: line } : attempt
}

/** Of each copy the variables once a hook has changed some: many copies may wait for long. */
function keptContexts() {
  const known = new WeakMap<Stored, Map<number, Context>>()
  return {
    /** Gives it the variables as the last hook left them; returns what to compare with later. */
    restore({ stored, copyIndex }: Attempt, context: Context): Context {
      const last = known.get(stored)?.get(copyIndex)
      for (const which of DICTIONARIES) {
        if (!last) continue
        context[which].clear()
        for (const [name, value] of last[which]) context[which].set(name, value)
      }
      return copyContext(context)
    },
    keep({ stored, copyIndex }: Attempt, before: Context, after: Context): void {
      if (DICTIONARIES.every((which) => isSame(before[which], after[which]))) return
      const ofEntry = known.get(stored) ?? new Map<number, Context>()
      known.set(stored, ofEntry.set(copyIndex, copyContext(after)))
    },
  }
}

const DICTIONARIES = ['connection', 'message'] as const

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value)
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
