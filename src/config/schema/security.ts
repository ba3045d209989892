// Options of the receiving side about TLS, AUTH and proxies (Momentum manual: "tls_certificate" and its
// siblings, "starttls_injection_policy", "inbound_smtp", "ref-proxy-protocol").
import { BOOLEAN, DICTIONARY, oneOf, PATH, readPath, SECONDS, STRING, type Type } from '../value.ts'
import { encode } from '../bytes.ts'
import { ConfigError, quote } from '../error.ts'
import { areCiphers, tlsRules } from '../tlsrules.ts'
import { LISTENER, option, optional, type Warn } from './option.ts'
import type { Value } from '../tree.ts'

const GLOBAL_TOO = ['global', ...LISTENER]
const BOTH_SIDES = [...GLOBAL_TOO, 'domain', 'binding', 'binding_group']
const SOCKETS_AND_PEERS = ['esmtp_listener', 'listen', 'peer']

/** A path; the word `none` undoes what a wider scope gives. */
const PATH_OR_NONE: Type<string> = {
  expected: 'a path, or none',
  read: (value, folder) =>
    value.kind === 'text' && value.text === 'none' ? '' : PATH.read(value, folder),
}

/** The path of a `file://` uri is made absolute. */
const AUTH_PARAMETERS: Type<ReadonlyMap<string, string>> = {
  expected: 'a dictionary [ uri = "file://path" … ]',
  isSecret: true,
  read(value, folder) {
    const entries = DICTIONARY.read(value, folder)
    const uri = entries?.get('uri')
    if (!entries || !uri?.startsWith('file://')) return entries
    return new Map([...entries, ['uri', `file://${encode(readPath(uri, folder))}`]])
  },
}

/** What is spoken, by us as server and as client. */
export const TLS_RULES = {
  ciphers: { ...optional('tls_ciphers', STRING, BOTH_SIDES), inspect: inspectCiphers },
  ciphersuites: {
    ...optional('tlsv13_ciphersuites', STRING, BOTH_SIDES),
    inspect: inspectCiphers,
  },
  protocols: option('tls_protocols', STRING, '+ALL', BOTH_SIDES, inspectProtocols),
}

export const TLS = {
  certificate: option('tls_certificate', PATH_OR_NONE, '', GLOBAL_TOO),
  key: option('tls_key', PATH_OR_NONE, '', GLOBAL_TOO),
  clientCa: option('tls_client_ca', PATH_OR_NONE, '', GLOBAL_TOO),
  ...TLS_RULES,
  /** Not given: a client certificate is asked for and checked, and policy judges. */
  verifyMode: optional('tls_verify_mode', oneOf('none', 'require'), LISTENER),
}

export const CONNECTION = {
  /** TLS from the first octet. */
  usesTls: option('use_ssl', BOOLEAN, false, LISTENER),
  verifiedPeerCanRelay: option('tls_verified_peer_can_relay', BOOLEAN, false, LISTENER),
  startTlsInjection: option(
    'starttls_injection_policy',
    oneOf('reject', 'ignore', 'allow'),
    'reject',
    LISTENER,
    inspectInjection,
  ),
  proxyProtocol: option('proxy_protocol', BOOLEAN, false, SOCKETS_AND_PEERS),
  proxySeconds: option('proxy_protocol_timeout', SECONDS, 60, SOCKETS_AND_PEERS),
}

export const AUTH = {
  plain: optional('authplainparameters', AUTH_PARAMETERS, LISTENER),
  login: optional('authloginparameters', AUTH_PARAMETERS, LISTENER),
  /** Ours: passwords may cross the network in clear. */
  withoutTls: option('auth_without_tls', BOOLEAN, false, LISTENER),
  alwaysAllow: option('always_allow', BOOLEAN, false, LISTENER),
  alwaysDeny: option('always_deny', BOOLEAN, false, LISTENER),
}

function inspectCiphers(value: Value): void {
  if (value.kind !== 'text' || areCiphers(value.text)) return
  throw new ConfigError(
    value.place,
    undefined,
    `expected ciphers that OpenSSL knows, found ${quote(value.text)}`,
  )
}

function inspectProtocols(value: Value): void {
  if (value.kind !== 'text' || tlsRules({ protocols: value.text })) return
  const complaint = 'expected TLSv1.2 or TLSv1.3 to be allowed'
  throw new ConfigError(value.place, 'tls_protocols', complaint)
}

function inspectInjection(value: Value, warn: Warn): void {
  if (value.kind === 'text' && value.text.toLowerCase() === 'allow') {
    warn(value.place, 'commands sent before TLS never run under it: "allow" is read as "ignore"')
  }
}
