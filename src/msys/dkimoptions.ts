// The options of `msys.validate.opendkim.sign`, and what stands for those that are absent.
// Momentum manual pages "lua.ref.msys.validate.opendkim.sign", "modules.opendkim", "modules.dkim" (headerlist).
import { domainToASCII } from 'node:url'
import { LuaCallError } from '../lua/error.ts'
import type { LuaTable, LuaValue } from '../lua/value.ts'
import { lowerCase, toText } from '../mail/bytes.ts'
import type { HeaderRule } from '../mime/dkim.ts'
import type { Canonicalization } from '../mime/dkimcanon.ts'
import { DEFAULT_HEADERS, readHeaderRules } from '../mime/dkimrules.ts'
import type { SigningRequest } from './dkimsigning.ts'
import type { ConfiguredSignature } from './dkimstanza.ts'
import { asString, isTable, typeName } from './parameter.ts'

export interface DkimOptions extends Omit<SigningRequest, 'domain'> {
  /** Undefined: that of the author. */
  readonly domain: string | undefined
  readonly keyFile: string | undefined
  readonly keyText: string | undefined
  /** A context variable; where it does not exist nothing is signed. */
  readonly condition: string | undefined
}

/** The domain that options name, as they name it. */
export function namedDomain(table: LuaTable | undefined): string | undefined {
  const named = asString(table?.get('base_domain')) ?? asString(table?.get('signing_domain'))
  return named === undefined ? undefined : asciiDomain(named)
}

/**
 * Raises for a value that can never be right. `caller` is named in errors; `configured` holds where the table
 * says nothing.
 */
export function readDkimOptions(
  caller: string,
  table: LuaTable | undefined,
  configured?: ConfiguredSignature,
): DkimOptions {
  const raise = (name: string, expected: string): never => {
    throw new LuaCallError(`${caller}: bad argument #3 (${expected}): options.${name}`)
  }
  const value = (name: string): LuaValue => table?.get(name)
  const text = (name: string): string | undefined => {
    const found = value(name)
    if (found === undefined) return undefined
    return asString(found) ?? raise(name, `string expected, got ${typeName(found)}`)
  }
  const form = (name: string, otherwise: Canonicalization = 'simple'): Canonicalization => {
    const found = lowerCase(text(name) ?? otherwise)
    return found === 'simple' || found === 'relaxed' ? found : raise(name, "'simple' or 'relaxed'")
  }
  const expiry = text('expiry')
  if (expiry !== undefined && !/^\d{1,15}$/.test(expiry)) raise('expiry', 'seconds expected')
  const digest = text('digest')
  if (digest !== undefined && !DIGEST.test(digest)) {
    raise('digest', "'rsa-sha256', 'rsa-sha1' or 'ed25519-sha256'")
  }
  const domain = text('base_domain') ?? text('signing_domain') ?? configured?.domain
  const selector = text('selector') ?? configured?.selector ?? ''
  const headers =
    value('headerlist') === undefined
      ? (configured?.headers ?? readHeaderRules(DEFAULT_HEADERS))
      : headerRules(value('headerlist'))
  if (!DOMAIN.test(selector)) raise('selector', 'a selector is needed')
  return {
    domain:
      domain === undefined ? undefined : (asciiDomain(domain) ?? raise('base_domain', 'no domain')),
    selector,
    keyFile: text('keyfile') ?? text('key'),
    keyText: text('keybuf'),
    digest: digest === undefined ? configured?.digest : lowerCase(digest),
    identity: text('identity') ?? configured?.identity,
    headerForm: form('header_canon', configured?.headerForm),
    bodyForm: form('body_canon', configured?.bodyForm),
    headers: headers ?? raise('headerlist', 'field names, From among them'),
    hasLength:
      value('body_length_limit') === undefined
        ? (configured?.hasLength ?? false)
        : isTrue(value('body_length_limit')),
    expirySeconds: expiry === undefined ? configured?.expirySeconds : Number(expiry),
    condition: text('sign_condition') ?? configured?.condition,
  }
}

/** In ASCII and lower case; undefined for what is none. Takes a byte string. */
export function asciiDomain(domain: string): string | undefined {
  const ascii = /[\x80-\xff]/.test(domain) ? domainToASCII(toText(domain)) : lowerCase(domain)
  return ascii.length <= 253 && DOMAIN.test(ascii) ? ascii : undefined
}

const DIGEST = /^(?:rsa-sha(?:1|256)|ed25519-sha256)$/i
const DOMAIN = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i

/** Names in a table, or in a text. */
function headerRules(value: LuaValue): readonly HeaderRule[] | undefined {
  const text = isTable(value) ? listed(value) : asString(value)
  return text === undefined ? undefined : readHeaderRules(text)
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
