// The options of `msys.validate.opendkim.sign`, and what stands for those that are absent.
// Momentum manual pages "lua.ref.msys.validate.opendkim.sign", "modules.opendkim", "modules.dkim" (headerlist).
import { domainToASCII } from 'node:url'
import { LuaCallError } from '../lua/error.ts'
import type { LuaTable, LuaValue } from '../lua/value.ts'
import { lowerCase, toText } from '../mail/bytes.ts'
import type { HeaderRule } from '../mime/dkim.ts'
import type { Canonicalization } from '../mime/dkimcanon.ts'
import { isFieldName } from '../mime/field.ts'
import { asString, isTable, typeName } from './parameter.ts'

export interface DkimOptions {
  /** Undefined: that of the author. */
  readonly domain: string | undefined
  readonly selector: string
  readonly keyFile: string | undefined
  readonly keyText: string | undefined
  readonly digest: string | undefined
  readonly identity: string | undefined
  readonly headerForm: Canonicalization
  readonly bodyForm: Canonicalization
  readonly headers: readonly HeaderRule[]
  readonly hasLength: boolean
  readonly expirySeconds: number | undefined
  /** A context variable; where it does not exist nothing is signed. */
  readonly condition: string | undefined
}

/** Raises for a value that can never be right. `caller` is named in errors. */
export function readDkimOptions(caller: string, table: LuaTable | undefined): DkimOptions {
  const raise = (name: string, expected: string): never => {
    throw new LuaCallError(`${caller}: bad argument #3 (${expected}): options.${name}`)
  }
  const value = (name: string): LuaValue => table?.get(name)
  const text = (name: string): string | undefined => {
    const found = value(name)
    if (found === undefined) return undefined
    return asString(found) ?? raise(name, `string expected, got ${typeName(found)}`)
  }
  const form = (name: string): Canonicalization => {
    const found = lowerCase(text(name) ?? 'simple')
    return found === 'simple' || found === 'relaxed' ? found : raise(name, "'simple' or 'relaxed'")
  }
  const expiry = text('expiry')
  if (expiry !== undefined && !/^\d{1,15}$/.test(expiry)) raise('expiry', 'seconds expected')
  const digest = text('digest')
  if (digest !== undefined && !DIGEST.test(digest)) {
    raise('digest', "'rsa-sha256', 'rsa-sha1' or 'ed25519-sha256'")
  }
  const domain = text('base_domain') ?? text('signing_domain')
  const selector = text('selector') ?? ''
  if (!DOMAIN.test(selector)) raise('selector', 'a selector is needed')
  return {
    domain:
      domain === undefined ? undefined : (asciiDomain(domain) ?? raise('base_domain', 'no domain')),
    selector,
    keyFile: text('keyfile') ?? text('key'),
    keyText: text('keybuf'),
    digest: digest && lowerCase(digest),
    identity: text('identity'),
    headerForm: form('header_canon'),
    bodyForm: form('body_canon'),
    headers:
      headerRules(value('headerlist')) ?? raise('headerlist', 'field names, From among them'),
    hasLength: isTrue(value('body_length_limit')),
    expirySeconds: expiry === undefined ? undefined : Number(expiry),
    condition: text('sign_condition'),
  }
}

/** In ASCII and lower case; undefined for what is none. Takes a byte string. */
export function asciiDomain(domain: string): string | undefined {
  const ascii = /[\x80-\xff]/.test(domain) ? domainToASCII(toText(domain)) : lowerCase(domain)
  return ascii.length <= 253 && DOMAIN.test(ascii) ? ascii : undefined
}

const DIGEST = /^(?:rsa-sha(?:1|256)|ed25519-sha256)$/i
const DOMAIN = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i

/**
 * What RFC 6376 §5.4.1 and RFC 8058 §4 say to sign, as far as it is there. From twice: a second one that
 * somebody adds breaks the signature.
 */
const DEFAULT_HEADERS =
  'From From Sender? Reply-To? Subject? Date? Message-ID? To? Cc? MIME-Version? Content-Type? ' +
  'Content-Transfer-Encoding? In-Reply-To? References? Resent-Date+ Resent-From+ Resent-Sender+ ' +
  'Resent-To+ Resent-Cc+ Resent-Message-ID+ List-Id? List-Help? List-Unsubscribe? ' +
  'List-Unsubscribe-Post? List-Subscribe? List-Post? List-Owner? List-Archive?'

/** Names in a table, or separated by colons, commas or blanks; `?`, `*` and `+` behind a name. */
function headerRules(value: LuaValue): readonly HeaderRule[] | undefined {
  const text = isTable(value)
    ? listed(value)
    : value === undefined
      ? DEFAULT_HEADERS
      : asString(value)
  const rules: HeaderRule[] = []
  for (const item of text?.split(/[:,\s]+/).filter(Boolean) ?? []) {
    const [, name = '', mark = ''] = /^(.*?)([?*+]?)$/.exec(item) ?? []
    if (!isFieldName(name) || name.includes(';')) return undefined
    rules.push({ name, all: mark === '*' || mark === '+', asserts: mark === '' || mark === '*' })
  }
  return rules.some(({ name }) => lowerCase(name) === 'from') ? rules : undefined
}

function listed(table: LuaTable): string | undefined {
  const names = Array.from({ length: table.length() }, (_, i) => asString(table.get(i + 1)))
  return names.includes(undefined) ? undefined : names.join(' ')
}

/** 0, -1 and false are false, in strings too. */
function isTrue(value: LuaValue): boolean {
  return (
    value !== undefined && value !== false && !/^(?:0|-1|false|)$/i.test(asString(value) ?? '1')
  )
}
