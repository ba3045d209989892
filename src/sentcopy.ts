// A copy as it was sent, for policy's delivery hooks: its octets cannot be changed any more; context variables
// and the status text can.
import { splitAddress } from './mail/address.ts'
import {
  applyChanges,
  type Context,
  type ContextChanges,
  emptyContext,
  UNCHANGED,
} from './mail/context.ts'
import { DEFAULT_EGRESS } from './mail/envelope.ts'
import type { Message } from './mail/message.ts'
import { render } from './mail/rendition.ts'
import { splitHeader } from './mime/field.ts'
import type { Accept, MessageHandle, ValidationContext } from './msys/handle.ts'
import { noVerdict } from './msys/verdict.ts'
import type { Attempt } from './relay/attempt.ts'
import type { Entry, EntryCopy } from './spool/entry.ts'

/** `data`: of its entry; empty when it cannot be read. */
export function sentCopy(
  { entry, copyIndex, text }: Pick<Attempt, 'entry' | 'copyIndex' | 'text'>,
  data: Buffer,
): MessageHandle {
  const { rendition } = copyOf(entry, copyIndex)
  return copyAsSent(entry, copyIndex, data.length > 0 ? render(data, rendition) : data, text)
}

/** The same of its own octets; `status`: the last reply. */
export function copyAsSent(
  entry: Entry,
  copyIndex: number,
  base: Buffer,
  status: string,
): MessageHandle {
  const copy = copyOf(entry, copyIndex)
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
    status,
    isTracked: true,
  }
  return { kind: 'message', current, isSent: true }
}

/** What hooks are called with beside it: the client is not there any more. */
export function subjectOf(
  { outboundConnectionId }: Pick<Attempt, 'outboundConnectionId'>,
  message: MessageHandle,
  panic: (text: string) => void,
): { ac: Accept; vctx: ValidationContext; msg: MessageHandle } {
  const { context, connectionId } = message.current
  const vctx: ValidationContext = { kind: 'vctx', context, verdict: noVerdict(), panic }
  const nowhere = { remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0 }
  const ac: Accept = {
    kind: 'ac',
    ...nowhere,
    connectionId: outboundConnectionId || connectionId,
    capabilities: { added: [], removed: new Set() },
    census: { ofAddress: () => 0, within: () => 0, total: () => 0 },
    construct: {
      kind: 'message_construct',
      message,
      connectionMessageCount: 0,
      connectionRecipientCount: 0,
      messageRecipientCount: 1,
      maxMessageSize: 0,
      mayRelay: true,
      command: '',
    },
  }
  return { ac, vctx, msg: message }
}

function copyOf(entry: Entry, copyIndex: number): EntryCopy {
  const copy = entry.copies[copyIndex]
  if (!copy) throw new Error(`entry ${entry.batchId} has no copy ${copyIndex}`)
  return copy
}

/** Variables of a copy, as it was stored, and with what policy has changed since. */
export function contextOf(
  entry: Entry,
  copy: EntryCopy,
  changed: ContextChanges = UNCHANGED,
): Context {
  const context = emptyContext()
  for (const changes of [entry.context, copy.context, changed]) applyChanges(context, changes)
  return context
}
