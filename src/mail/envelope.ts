// The SMTP envelope of one copy: who it is from, whom it goes to, and where policy routes it.
import { type Address, NULL_ADDRESS } from './address.ts'
import { lowerCase } from './bytes.ts'

/** The egress that a copy leaves by: a binding, and the binding group that it was chosen in. */
export interface Egress {
  readonly binding: string
  readonly group: string
}

export const DEFAULT_EGRESS: Egress = { binding: 'default', group: 'default' }

/** Context variables that say who we are to a next hop (Momentum "modules.outbound_smtp_auth"). */
export const AUTH_VARIABLES = [
  'outbound_smtp_auth_user',
  'outbound_smtp_auth_pass',
  'outbound_smtp_auth_type',
] as const

export interface Envelope {
  readonly mailfrom: Address
  readonly rcptto: Address
  /** The domain that chooses queue and next hop, lower case; absent: the recipient's domain. */
  readonly routingDomain?: string
  /** Absent: the default one. */
  readonly egress?: Egress
  /** Absent: the sender said nothing of it. */
  readonly notify?: Notify
}

/** Which notifications the sender wants of a recipient, and how it names both (RFC 3461). */
export interface Notify {
  /** Empty: none at all. Absent: about failures. */
  readonly on?: readonly ('success' | 'failure' | 'delay')[]
  /** `rfc822;a@b` */
  readonly originalRecipient?: string
  readonly envelopeId?: string
}

export function wantsFailures(notify: Notify | undefined): boolean {
  return notify?.on?.includes('failure') ?? true
}

export const EMPTY_ENVELOPE: Envelope = { mailfrom: NULL_ADDRESS, rcptto: NULL_ADDRESS }

/** The queue that an envelope belongs to, in lower case. */
export function routingDomain(envelope: Envelope): string {
  return envelope.routingDomain ?? lowerCase(envelope.rcptto.domain)
}
