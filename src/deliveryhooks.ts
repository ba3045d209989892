// What policy hears of deliveries: core_log_delivery_v1, core_log_transient_failure_v1,
// core_log_permanent_failure_v1 and core_log_attempt_v1 of the current policy, each with the copy as it was
// sent, read only, whose code is the reply (C reference pages of the same names). The spool is read only where
// a script has the hook. Nothing that a hook does changes the outcome.
import type { Generation } from './generation.ts'
import { type Context, emptyContext } from './mail/context.ts'
import { splitAddress } from './mail/address.ts'
import { andThen } from './mail/eventually.ts'
import { DEFAULT_EGRESS } from './mail/envelope.ts'
import type { Message } from './mail/message.ts'
import { render } from './mail/rendition.ts'
import { splitHeader } from './mime/field.ts'
import type { Accept, MessageHandle, ValidationContext } from './msys/handle.ts'
import { noVerdict } from './msys/verdict.ts'
import type { CalloutName } from './policy/phases.ts'
import type { Policy } from './policy/policy.ts'
import type { PolicySession } from './policy/session.ts'
import type { Attempt } from './relay/attempt.ts'
import type { Changes, Entry, EntryCopy, Facts } from './spool/entry.ts'
import type { Spool } from './spool/spool.ts'

export type DeliveryHook = Extract<
  CalloutName,
  'core_log_delivery_v1' | 'core_log_transient_failure_v1' | 'core_log_permanent_failure_v1'
>

/** Begins before the outcome is settled; what it returns is called after that. */
export type TellPolicy = (hook: DeliveryHook, attempt: Attempt) => () => void

export function deliveryHooks(
  current: () => Generation,
  spool: Pick<Spool, 'read'>,
  now: () => number,
): TellPolicy {
  const sessions = new WeakMap<Policy, PolicySession>()
  return (hook, attempt) => {
    const { policy, journal } = current()
    const names = (['core_log_attempt_v1', hook] as const).filter((name) => policy.has(name))
    if (names.length === 0) return () => {}
    const session = sessions.get(policy) ?? policy.openSession()
    sessions.set(policy, session)
    // Now: when the outcome is settled the octets may go.
    const data = spool.read(attempt.stored).catch(() => Buffer.alloc(0))
    const panic = (text: string): void => journal.panic('scriptlet', text)
    const tell = async (): Promise<void> => {
      const msg = messageOf(attempt, await data)
      for (const name of names) {
        const subject = subjectOf(attempt, msg, panic)
        const note = attempt.text
        const dr = new Map([['domain', msg.current.envelope.routingDomain ?? '']])
        const extra = { dr, now: now() / 1000, note, note_len: note.length }
        await andThen(session.run(name, { ...subject, extra }), () => undefined)
      }
      msg.gone = 'its delivery has been told'
    }
    return () => void tell().catch((error: unknown) => panic(`${hook}: ${String(error)}`))
  }
}

function subjectOf(attempt: Attempt, msg: MessageHandle, panic: (text: string) => void) {
  const { context, connectionId } = msg.current
  const vctx: ValidationContext = { kind: 'vctx', context, verdict: noVerdict(), panic }
  const nowhere = { remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0 }
  const ac: Accept = {
    kind: 'ac',
    ...nowhere,
    connectionId: attempt.outboundConnectionId || connectionId,
    capabilities: { added: [], removed: new Set() },
    census: { ofAddress: () => 0, within: () => 0, total: () => 0 },
    construct: {
      kind: 'message_construct',
      message: msg,
      connectionMessageCount: 0,
      connectionRecipientCount: 0,
      messageRecipientCount: 1,
      maxMessageSize: 0,
      mayRelay: true,
      command: '',
    },
  }
  return { ac, vctx, msg }
}

function messageOf({ entry, copyIndex, text }: Attempt, data: Buffer): MessageHandle {
  const copy = entry.copies[copyIndex]
  if (!copy) throw new Error(`entry ${entry.batchId} has no copy ${copyIndex}`)
  const base = data.length > 0 ? render(data, copy.rendition) : data
  const current: Message = {
    id: copy.id,
    batchId: entry.batchId,
    connectionId: entry.connectionId,
    base,
    ...splitHeader(base),
    envelope: {
      mailfrom: splitAddress(copy.mailfrom),
      rcptto: splitAddress(copy.rcptto),
      routingDomain: copy.routingDomain,
      egress: copy.egress ?? DEFAULT_EGRESS,
    },
    context: contextOf(entry, copy),
    receivedMs: entry.receivedMs,
    status: text,
    isTracked: true,
  }
  return { kind: 'message', current, isSnapshot: true }
}

function contextOf(entry: Entry, copy: EntryCopy): Context {
  const context = emptyContext()
  for (const which of ['connection', 'message'] as const) {
    const merged: Readonly<Record<string, string | null>> = merge(
      entry.context[which],
      copy.context[which],
    )
    for (const [name, value] of Object.entries(merged)) {
      if (value !== null) context[which].set(name, value)
    }
  }
  return context
}

function merge(common: Facts, own: Changes): Changes {
  return { ...common, ...own }
}
