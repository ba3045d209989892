// Envelope addresses (RFC 5321 §4.1.2) as byte strings.

export interface Address {
  /** As given, without angle brackets; `''` is the null sender. */
  readonly text: string
  /** Quoted local parts keep their quotes. */
  readonly localpart: string
  /** As given; `''` for the null sender and for a bare `postmaster`. Compare it in lower case. */
  readonly domain: string
}

export const NULL_ADDRESS: Address = { text: '', localpart: '', domain: '' }

/** Splits an address at its last `@`: a quoted local part may hold others. Total. */
export function splitAddress(text: string): Address {
  const at = text.lastIndexOf('@')
  if (at < 0) return { text, localpart: text, domain: '' }
  return { text, localpart: text.slice(0, at), domain: text.slice(at + 1) }
}
