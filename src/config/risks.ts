// Combinations that load but let strangers do what only trusted clients should: worth a warning.
import type { Place } from './error.ts'
import type { ListenerOptions, SmtpEndpoint } from './reception.ts'
import type { Warn } from './schema/option.ts'

/** Addresses for documentation (RFC 5737, RFC 3849): nobody's, so they match what is open to everybody. */
const STRANGERS = ['192.0.2.1', '2001:db8::1']
const LOOPBACK = /^(?:127\.|::1$|localhost$)/i
const TRUSTED_ONLY = ['XCLIENT', 'XDUMPCONTEXT', 'XREMOTEIP', 'XSETCONTEXT']

export function warnRisks(endpoints: readonly SmtpEndpoint[], warn: Warn): void {
  for (const { address, place, options } of endpoints) {
    warnUseless(options(''), place, warn)
    if (LOOPBACK.test(address.host)) continue
    const all = STRANGERS.map(options)
    const name = `listen ${address.host}:${address.port}`
    if (all.some(({ canRelay }) => canRelay)) {
      warn(place, `${name}: any client may relay to any domain`)
    }
    if (all.some(({ proxyProtocol }) => proxyProtocol)) {
      warn(place, `${name}: any client may say who it is (proxy_protocol)`)
    }
    for (const extension of TRUSTED_ONLY) {
      if (all.some(({ extensions }) => extensions.has(extension))) {
        warn(place, `${name}: any client may use ${extension}; a peer scope can restrict it`)
      }
    }
  }
}

/** What is listed but will not be offered. */
function warnUseless({ auth, extensions, tls }: ListenerOptions, place: Place, warn: Warn): void {
  if (extensions.has('STARTTLS') && !tls) {
    warn(place, 'STARTTLS is listed, but there is no certificate: not offered')
  }
  const listsAuth = [...extensions].some((name) => name.startsWith('AUTH '))
  if (listsAuth && !auth) warn(place, 'AUTH is listed, but no source of passwords: not offered')
  if (auth?.needsTls && !tls) {
    warn(place, 'AUTH is offered over TLS only, and there is no certificate: see auth_without_tls')
  }
}
