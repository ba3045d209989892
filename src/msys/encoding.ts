// `msys.base64`, `msys.qp`, `curl.escape`: octets as text and back. Momentum manual pages
// "lua.ref.msys.base64.encode", "lua.ref.msys.qp.encode" and their siblings.
import { chargeTicks } from '../lua/budget.ts'
import { LuaCallError } from '../lua/error.ts'
import type { LuaValue } from '../lua/value.ts'
import { fromBytes, toBytes } from '../mail/bytes.ts'
import { decodeBase64, encodeBase64 } from '../mime/base64.ts'
import { fromUtf8, toUtf8 } from '../mime/charset.ts'
import { decodeQuotedPrintable, encodeQuotedPrintable } from '../mime/quotedprintable.ts'
import { declare } from './declaration.ts'
import { octets } from './ioobject.ts'
import { any, optional, type Parameter, string } from './parameter.ts'

const fn = declare<undefined>()

const charset = optional(string('charset'))

/** Every octet of it counts as work. */
const text: Parameter<string> = {
  ...octets('text'),
  read(value) {
    const found = octets('text').read(value)
    if (found !== undefined) chargeTicks(found.length >> 4)
    return found
  },
}

export const ENCODING_FUNCTIONS = [
  fn(
    'msys.base64.encode',
    [text, any('fold'), charset],
    { result: 'string', tier: 1, doc: 'encodes; with `fold` in lines of 76 characters' },
    (_, [original, fold, label]) => {
      const bytes = toBytes(inCharset('msys.base64.encode', original, label))
      return fromBytes(isTrue(fold) ? encodeBase64(bytes) : encodeBase64(bytes, Infinity))
    },
  ),
  fn(
    'msys.base64.decode',
    [text, charset],
    { result: 'string', tier: 1, doc: 'decodes to UTF-8, from `charset`; raises if it cannot' },
    (_, [text, label]) => {
      if (/[^\w+/\s=-]/.test(text) || text.replace(/[=\s]+/g, '').length % 4 === 1) {
        throw new LuaCallError('msys.base64.decode: the text is not base64')
      }
      return toUtf8(fromBytes(decodeBase64(toBytes(text))), label ?? 'utf-8')
    },
  ),
  fn(
    'msys.qp.encode',
    [text, charset, any('dotstuffing')],
    { result: 'string', tier: 2, doc: 'encodes as quoted-printable' },
    (_, [text, label, dotstuffing]) => {
      const bytes = toBytes(inCharset('msys.qp.encode', text, label))
      const encoded = fromBytes(encodeQuotedPrintable(bytes))
      // Only lines that the encoding made: those of the text are the caller's.
      return isTrue(dotstuffing) ? encoded.replaceAll('=\r\n.', '=\r\n..') : encoded
    },
  ),
  fn(
    'msys.qp.decode',
    [text, charset],
    { result: 'string', tier: 2, doc: 'decodes to UTF-8, from `charset`; raises if it cannot' },
    (_, [text, label]) => {
      if (/=(?![0-9A-Fa-f]{2}|[ \t]*(?:\r?\n|$))/.test(text)) {
        throw new LuaCallError('msys.qp.decode: the text is not quoted-printable')
      }
      return toUtf8(fromBytes(decodeQuotedPrintable(toBytes(text))), label ?? 'utf-8')
    },
  ),
  fn(
    'curl.escape',
    [text],
    { result: 'string', tier: 1, doc: 'percent-encodes all but letters, digits and -._~' },
    (_, [text]) => text.replace(/[^A-Za-z0-9._~-]/g, (octet) => ESCAPES[octet.charCodeAt(0)] ?? ''),
  ),
  fn(
    'curl.unescape',
    [text],
    { result: 'string', tier: 1, doc: 'decodes percent-encoding' },
    (_, [text]) =>
      text.replace(/%([0-9A-Fa-f]{2})/g, (_sign, hex: string) =>
        String.fromCharCode(parseInt(hex, 16)),
      ),
  ),
]

const ESCAPES = Array.from(
  { length: 256 },
  (_, octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`,
)

/** Anything but nil, false and 0. */
function isTrue(value: LuaValue): boolean {
  return value !== undefined && value !== false && value !== 0
}

function inCharset(name: string, text: string, label: string | undefined): string {
  if (label === undefined) return text
  const written = fromUtf8(text, label)
  if (written === undefined)
    throw new LuaCallError(`${name}: the text cannot be written in ${label}`)
  return written
}
