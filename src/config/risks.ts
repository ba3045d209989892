// Combinations that load but let strangers do what only trusted clients should: worth a warning.
import type { SmtpEndpoint } from './reception.ts'
import type { Warn } from './schema/option.ts'

/** Addresses for documentation (RFC 5737, RFC 3849): nobody's, so they match what is open to everybody. */
const STRANGERS = ['192.0.2.1', '2001:db8::1']
const LOOPBACK = /^(?:127\.|::1$|localhost$)/i
const TRUSTED_ONLY = ['XSETCONTEXT', 'XDUMPCONTEXT']

export function warnRisks(endpoints: readonly SmtpEndpoint[], warn: Warn): void {
  for (const { address, place, options } of endpoints) {
    if (LOOPBACK.test(address.host)) continue
    const all = STRANGERS.map(options)
    const name = `listen ${address.host}:${address.port}`
    if (all.some(({ canRelay }) => canRelay)) {
      warn(place, `${name}: any client may relay to any domain`)
    }
    for (const extension of TRUSTED_ONLY) {
      if (all.some(({ extensions }) => extensions.has(extension))) {
        warn(place, `${name}: any client may use ${extension}; a peer scope can restrict it`)
      }
    }
  }
}
