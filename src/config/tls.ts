// What a listener needs for TLS: certificate, key and rules as one OpenSSL context. Files are read with the
// configuration, so that a bad one is told at once, and anew with every reload.
import { existsSync, readFileSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import { ConfigError, type Place } from './error.ts'
import type { Warn } from './schema/option.ts'
import { CONNECTION, TLS } from './schema/security.ts'
import { givenFor, resolveTable, type Stanza, valueOf } from './stanza.ts'
import { tlsRules } from './tlsrules.ts'

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
  const { certificate, key, clientCa, verifyMode } = options
  try {
    const context = createSecureContext({
      cert: readFileSync(certificate),
      key: readFileSync(key || certificate),
      ...(clientCa !== '' && { ca: readFileSync(clientCa) }),
      ...tlsRules(options),
    })
    return { context, asksForCertificate: verifyMode !== 'none' && clientCa !== '' }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const complaint = `OpenSSL does not take certificate, key or ciphers: ${text}`
    throw new ConfigError(place, 'tls_certificate', complaint, { cause: error })
  }
}
