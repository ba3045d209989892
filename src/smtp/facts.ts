// What is known of a message and of each copy when it is accepted, as event fields: stored with them, so
// that a delivery, a bounce or a restart weeks later needs nothing else to report it. Text, not byte
// strings; empty values are left out of events.
import { lowerCase, toText } from '../mail/bytes.ts'
import type { Context } from '../mail/context.ts'
import { DEFAULT_EGRESS, routingDomain } from '../mail/envelope.ts'
import type { Message } from '../mail/message.ts'
import { decodeWords } from '../mime/encodedword.ts'
import { fieldValue } from '../mime/field.ts'
import { findFields } from '../mime/header.ts'
import type { TrackingSettings } from '../tracking/options.ts'
import type { Facts } from '../tracking/record.ts'

/** Facts common to all copies of a message. */
export function messageFacts(message: Message, transmissionId: string): Facts {
  return {
    transmission_id: transmissionId,
    msg_size: String(message.base.length),
    subject: headerText(message, 'subject'),
    friendly_from: headerText(message, 'from'),
    recv_method: message.endpoints ? 'esmtp' : 'internal',
  }
}

export interface CopyOrigin {
  readonly messageId: string
  /** As the client gave it. */
  readonly rawRcptTo: string
  readonly pathway: string
  readonly pathwayGroup: string
  /** Context variables that begin with it are added; `''`: none. */
  readonly customPrefix: string
}

/** Facts of one copy. */
export function copyFacts(
  message: Message,
  settings: TrackingSettings | undefined,
  origin: CopyOrigin,
): Facts {
  const { context, envelope } = message
  const { binding, group } = envelope.egress ?? DEFAULT_EGRESS
  return {
    message_id: origin.messageId,
    msg_from: toText(envelope.mailfrom.text),
    rcpt_to: toText(lowerCase(envelope.rcptto.text)),
    raw_rcpt_to: toText(origin.rawRcptTo),
    routing_domain: toText(routingDomain(envelope)),
    customer_id: settings?.customerId ?? '',
    campaign_id: settings?.campaignId ?? '',
    rcpt_meta: settings?.metadata ? JSON.stringify(settings.metadata) : '',
    rcpt_tags: settings?.tags?.length ? JSON.stringify(settings.tags) : '',
    binding: toText(binding),
    binding_group: toText(group),
    pathway: toText(origin.pathway),
    pathway_group: toText(origin.pathwayGroup),
    ...customFacts(context, origin.customPrefix),
  }
}

function headerText(message: Message, name: string): string {
  const [field] = findFields(message.fields, name)
  return field ? toText(decodeWords(fieldValue(field))) : ''
}

/** The context variables that go into every event, as text. */
export function customFacts(context: Context, prefix: string): Facts {
  if (prefix === '') return {}
  const custom: Record<string, string> = {}
  for (const dictionary of [context.connection, context.message]) {
    for (const [name, value] of dictionary) {
      if (name.startsWith(prefix)) custom[toText(name)] = toText(value)
    }
  }
  return custom
}
