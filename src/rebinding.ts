// The binding that policy gives a queued copy now: validate_set_binding of the current policy, with the copy as it
// will be sent (manual page "console_commands.rebind"). What else policy does to the copy is forgotten.
import { deliverySessions } from './deliveryhooks.ts'
import type { Generation } from './generation.ts'
import { applyChanges } from './mail/context.ts'
import type { Egress } from './mail/envelope.ts'
import type { MessageHandle } from './msys/handle.ts'
import type { CalloutName } from './policy/phases.ts'
import { sentCopy, subjectOf } from './sentcopy.ts'
import type { QueueItem } from './spool/queue.ts'
import type { Spool } from './spool/spool.ts'

const HOOK: CalloutName = 'validate_set_binding'

/** Undefined: the default binding. Rejects when policy fails, or the copy cannot be read. */
export type BindingNow = (item: QueueItem) => Promise<Egress | undefined>

export function bindingHook(
  current: () => Generation,
  spool: Pick<Spool, 'entry' | 'read'>,
): BindingNow {
  const sessionOf = deliverySessions()
  return async ({ stored, copy }) => {
    const { policy, journal } = current()
    if (!policy.has(HOOK)) return undefined
    const entry = await spool.entry(stored)
    const sent = sentCopy({ entry, copyIndex: copy, text: '' }, await spool.read(stored))
    const { egress: _, ...envelope } = sent.current.envelope
    const msg: MessageHandle = { kind: 'message', current: { ...sent.current, envelope } }
    const changed = stored.copies[copy]?.context
    if (changed) applyChanges(msg.current.context, changed)
    try {
      const panic = (text: string): void => journal.panic('scriptlet', text)
      const subject = subjectOf({ outboundConnectionId: '' }, msg, panic)
      const outcome = await sessionOf(policy).run(HOOK, subject)
      if (outcome.kind === 'failed') throw new Error(`${HOOK}: ${outcome.reason}`)
      return msg.current.envelope.egress
    } finally {
      msg.gone = 'its binding has been chosen'
    }
  }
}
