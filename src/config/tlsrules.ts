// Which ciphers and versions of TLS are spoken (Momentum manual pages "tls_ciphers", "tlsv13_ciphersuites",
// "tls_protocols"), in the words of OpenSSL. TLS 1.1 and older are never spoken.
import { createSecureContext, type SecureVersion } from 'node:tls'

export interface TlsRules {
  readonly ciphers?: string
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
}

/** Undefined when no version is left. */
export function tlsRules(options: {
  readonly ciphers?: string | undefined
  readonly ciphersuites?: string | undefined
  readonly protocols: string
}): TlsRules | undefined {
  const [minVersion, maxVersion] = protocolRange(options.protocols)
  if (!minVersion || !maxVersion) return undefined
  const lists = [options.ciphersuites, opensslCiphers(options.ciphers)].filter(Boolean)
  const ciphers = lists.join(':')
  return { ...(ciphers !== '' && { ciphers }), minVersion, maxVersion }
}

/** Whether OpenSSL knows one of these at least. */
export function areCiphers(ciphers: string): boolean {
  const list = opensslCiphers(ciphers)
  if (list === '') return true
  try {
    createSecureContext({ ciphers: list })
    return true
  } catch {
    // What it says about it is its own list of words.
    return false
  }
}

/** The words NORMAL (of GnuTLS) and DEFAULT mean what OpenSSL does by itself. */
function opensslCiphers(ciphers: string | undefined): string {
  return ciphers === undefined || /^(?:NORMAL|DEFAULT)$/i.test(ciphers) ? '' : ciphers
}

/** `+ALL:-TLSv1.3`: what is left of TLS 1.2 and 1.3. */
function protocolRange(rules: string): readonly SecureVersion[] {
  const allowed = new Set<string>()
  for (const rule of rules.split(':').map((text) => text.trim().toUpperCase())) {
    const [, sign, name = ''] = /^([+-]?)(.*)$/.exec(rule) ?? []
    for (const version of name === 'ALL' ? ['TLSV1.2', 'TLSV1.3'] : [name]) {
      if (sign === '-') allowed.delete(version)
      else allowed.add(version)
    }
  }
  const left = (['TLSv1.2', 'TLSv1.3'] as const).filter((v) => allowed.has(v.toUpperCase()))
  return left.length === 0 ? [] : [left[0]!, left.at(-1)!]
}
