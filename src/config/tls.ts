// What a listener needs for TLS: certificate, key and rules as one OpenSSL context. Files are read with the
// configuration, so that a bad one is told at once, and anew with every reload.
import { existsSync, readFileSync } from 'node:fs'
import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls'
import { ConfigError, type Place } from './error.ts'
import type { Warn } from './schema/option.ts'
import { CONNECTION, TLS } from './schema/security.ts'
import { givenFor, resolveTable, type Stanza, valueOf } from './stanza.ts'

export interface TlsOptions {
  readonly context: SecureContext
  /** Whether a client certificate is asked for. A bad one ends nothing: policy judges. */
  readonly asksForCertificate: boolean
}

export type TlsReader = (chain: readonly Stanza[]) => TlsOptions | undefined

/**
 * Undefined where no certificate is configured, and, with a warning, where its file is not there: a
 * configuration can be read on another machine. Throws ConfigError for files that make no context, and
 * where TLS comes first but cannot. The same options give the same context.
 */
export function tlsReader(warn: Warn): TlsReader {
  const known = new Map<string, TlsOptions | undefined>()
  return (chain) => {
    const key = JSON.stringify([resolveTable(TLS, chain), valueOf(CONNECTION.usesTls, chain)])
    if (!known.has(key)) known.set(key, readTls(chain, warn))
    return known.get(key)
  }
}

function readTls(chain: readonly Stanza[], warn: Warn): TlsOptions | undefined {
  const options = resolveTable(TLS, chain)
  const place = givenFor(TLS.certificate, chain)?.place
  const first = givenFor(CONNECTION.usesTls, chain)
  const missing = missingFile(options)
  if (place && options.certificate !== '' && !missing) return readFiles(options, place)
  if (first?.value) {
    throw new ConfigError(first.place, 'use_ssl', missing ?? 'expected tls_certificate beside it')
  }
  if (place && missing) warn(place, `${missing}: STARTTLS is not offered`)
  return undefined
}

type Files = ReturnType<typeof resolveTable<typeof TLS>>

function missingFile({ certificate, key, clientCa }: Files): string | undefined {
  const path = [certificate, key, clientCa].find((file) => file !== '' && !existsSync(file))
  return path === undefined ? undefined : `there is no file "${path}"`
}

function readFiles(options: Files, place: Place): TlsOptions {
  const { certificate, key, clientCa, ciphersuites, verifyMode } = options
  const [least, greatest] = protocolRange(options.protocols)
  if (!least || !greatest) {
    throw new ConfigError(place, 'tls_protocols', 'expected TLSv1.2 or TLSv1.3 to be allowed')
  }
  const ciphers = [ciphersuites, opensslCiphers(options.ciphers)].filter(Boolean).join(':')
  try {
    const context = createSecureContext({
      cert: readFileSync(certificate),
      key: readFileSync(key || certificate),
      ...(clientCa !== '' && { ca: readFileSync(clientCa) }),
      ...(ciphers !== '' && { ciphers }),
      minVersion: least,
      maxVersion: greatest,
    })
    return { context, asksForCertificate: verifyMode !== 'none' && clientCa !== '' }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const complaint = `OpenSSL does not take certificate, key or ciphers: ${text}`
    throw new ConfigError(place, 'tls_certificate', complaint, { cause: error })
  }
}

/** The words NORMAL (of GnuTLS) and DEFAULT mean what OpenSSL does by itself. */
function opensslCiphers(ciphers: string | undefined): string {
  return ciphers === undefined || /^(?:NORMAL|DEFAULT)$/i.test(ciphers) ? '' : ciphers
}

/** `+ALL:-TLSv1.3`: what is left of TLS 1.2 and 1.3; older ones are never spoken. */
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
