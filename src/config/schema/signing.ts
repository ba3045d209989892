// Options of the stanzas opendkim and, of Momentum 3, dkim_sign, which sign mail (Momentum manual,
// "modules.opendkim", "modules.dkim", "ref-opendkim-sign"). All but `enabled` may also stand in a dkim_domain
// or dk_domain.
import { ConfigError } from '../error.ts'
import type { Value } from '../tree.ts'
import { BOOLEAN, COUNT, NON_EMPTY, oneOf, PATH, STRING, STRINGS } from '../value.ts'
import { option, optional, type Warn } from './option.ts'

export const SIGNING_MODULES = ['opendkim', 'dkim_sign'] as const
export const SIGNING_DOMAINS = ['dkim_domain', 'dk_domain'] as const

const SCOPES = [...SIGNING_MODULES, ...SIGNING_DOMAINS]
const FORM = oneOf('simple', 'relaxed')
const DIGEST = oneOf('rsa-sha256', 'rsa-sha1', 'ed25519-sha256')

export const SIGNING_ENABLED = option('enabled', BOOLEAN, true, SIGNING_MODULES)

export const SIGNING = {
  /** The domain that signs, where it is not the author's. */
  baseDomain: optional('base_domain', NON_EMPTY, SIGNING_DOMAINS),
  /** Where there is none, nothing is signed. */
  selector: optional('selector', NON_EMPTY, SCOPES),
  /** `%{d}` is the domain that signs, `%{s}` the selector. */
  key: optional('key', PATH, SCOPES),
  digest: option('digest', DIGEST, 'rsa-sha256', SCOPES, inspectDigest),
  headerForm: option('header_canon', FORM, 'simple', SCOPES),
  bodyForm: option('body_canon', FORM, 'simple', SCOPES),
  /** Names of fields, each with `?`, `*` or `+` behind it or nothing; ours where there is none. */
  headers: { ...optional('headerlist', STRINGS, SCOPES), inspect: inspectHeaders },
  /** Signed once more than they are there. */
  oversigned: option('oversign_headerlist', STRINGS, [], SCOPES),
  skipped: option('skip_headerlist', STRINGS, [], SCOPES),
  hasLength: option('body_length_limit', BOOLEAN, false, SCOPES),
  identity: optional('identity', STRING, SCOPES),
  lifetimeHours: option('lifetime', COUNT, 0, SCOPES),
  /** A context variable; where it does not exist nothing is signed. */
  condition: optional('sign_condition', NON_EMPTY, SCOPES),
  /** How long a key that was read is kept, and how long one that was not there is not looked for again. */
  keySeconds: option('pos_keycache_ttl', COUNT, 300, SCOPES),
  noKeySeconds: option('neg_keycache_ttl', COUNT, 3600, SCOPES),
}

const OUTBOUND = ['global', 'domain', 'binding', 'binding_group']

/** Whether mail that goes out this way is signed by the one stanza, and by the other. */
export const SIGNED = {
  opendkim: option('opendkim_sign', BOOLEAN, true, OUTBOUND),
  dkimSign: option('dkim', BOOLEAN, true, OUTBOUND),
}

function inspectDigest(value: Value, warn: Warn): void {
  if (value.kind !== 'text' || value.text.toLowerCase() !== 'rsa-sha1') return
  warn(value.place, 'verifiers take no rsa-sha1 any more (RFC 8301): it signs with rsa-sha256')
}

function inspectHeaders(value: Value): void {
  const items = value.kind === 'list' ? value.items : value.kind === 'text' ? [value] : []
  const names = items.flatMap(({ text }) => text.split(/[:,\s]+/).filter(Boolean))
  const isRight = names.every((name) => /^[!-9<-~]+$/.test(name) && !/^[?*+]/.test(name))
  if (isRight && names.some((name) => /^from[?*+]?$/i.test(name))) return
  throw new ConfigError(value.place, 'headerlist', 'expected names of fields, From among them')
}
