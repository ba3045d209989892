// Scanning a part by its octets needs to know which of them are ASCII characters. In most charsets all
// octets below 0x80 are; in Shift_JIS, Big5, GBK and GB18030 trail octets look like letters or
// brackets, and ISO-2022-JP, ISO-2022-KR and HZ (RFC 1468, 1557, 1843) shift to two-octet sets. Masking
// hides those. Wide charsets and UTF-7 are not scanned at all: such a part goes out as it is.
import { isUtf8 } from 'node:buffer'
import { fromBytes, toBytes, toText } from '../mail/bytes.ts'
import { isAsciiCompatible, isKnownCharset, toUtf8 } from '../mime/charset.ts'

/**
 * `text` (a byte string) with every octet that is no ASCII character as `\x80`, at the same length;
 * undefined when the charset cannot be scanned by octets, or a byte order mark says UTF-16.
 */
export function maskCharset(text: string, charset: string): string | undefined {
  if (/^(?:\xff\xfe|\xfe\xff)/.test(text)) return undefined
  const label = charset.trim().toLowerCase()
  switch (isAsciiCompatible(label)) {
    case 'ascii':
      return text
    case 'multibyte':
      return maskTrails(text, isShiftJis(label))
    case 'stateful':
      return isIso2022Jp(label) ? maskEscapes(text) : maskShifts(text, SHIFTING.get(label))
    case 'wide':
      break
  }
  return undefined
}

/** What the first octets of an HTML document say of its charset, as browsers look for it; `''`: nothing that counts. */
export function htmlCharset(text: string): string {
  const label =
    /<meta\s[^>]*?\bcharset\s*=\s*["']?\s*([\w.:-]+)/i.exec(text.slice(0, 1024))?.[1] ?? ''
  // A document in which that can be read as ASCII is in none of those.
  return isAsciiCompatible(label) === 'wide' ? '' : label
}

/** In place of an octet that nobody knows the meaning of. */
export const UNREADABLE = '\ufffd'

/** Makes text of octets: UTF-8 where they are, else the charset, else (without a label) windows-1252. */
export function charsetDecoder(charset: string): (byteString: string) => string {
  const label = charset.trim().toLowerCase()
  const shifting = SHIFTING.get(label)
  if (shifting) return (byteString) => decodeShifts(byteString, shifting)
  const isUnlabelled = /^(?:utf-?8|us-ascii|ascii)?$/.test(label)
  const isKnown = isUnlabelled || isKnownCharset(label)
  return (byteString) => {
    if (isIso2022Jp(label)) return toText(toUtf8(byteString, label))
    if (!/[\x80-\xff]/.test(byteString)) return byteString
    const bytes = toBytes(byteString)
    if (isUtf8(bytes)) return bytes.toString('utf8')
    if (!isKnown) return byteString.replace(/[\x80-\xff]/g, UNREADABLE)
    return toText(toUtf8(byteString, isUnlabelled ? 'windows-1252' : label))
  }
}

const MASK = 0x80

function isIso2022Jp(label: string): boolean {
  return label === 'iso-2022-jp' || label === 'csiso2022jp'
}

function isShiftJis(label: string): boolean {
  return /shift|sjis|ms_kanji|932|windows-31j/.test(label)
}

/** A charset that shifts from ASCII to a set of two octets below 0x80 and back. */
interface Shifting {
  /** Shifts and what is between them (its group), and sequences that name the set. */
  readonly runs: RegExp
  /** The charset that has the same characters with octets above 0x80. */
  readonly unshifted: string
  /** Stands for a tilde, outside of shifts. */
  readonly tilde: string
}

const HZ: Shifting = { runs: /~\{([^]*?)(?:~\}|$)/g, unshifted: 'gbk', tilde: '~~' }

const ISO_2022_KR: Shifting = {
  // eslint-disable-next-line no-control-regex
  runs: /\x0e([^\x0f]*)(?:\x0f|$)|\x1b\$[)*+][^\r\n]/g,
  unshifted: 'euc-kr',
  tilde: '~',
}

const SHIFTING: ReadonlyMap<string, Shifting> = new Map([
  ['hz', HZ],
  ['hz-gb-2312', HZ],
  ['iso-2022-kr', ISO_2022_KR],
  ['csiso2022kr', ISO_2022_KR],
])

/** Undefined for a tilde that joins lines: a URL might go on there. */
function maskShifts(text: string, shifting: Shifting | undefined): string | undefined {
  if (!shifting || (shifting === HZ && /~\r?\n/.test(text))) return undefined
  return text.replace(shifting.runs, (run) => run.replace(/[^\r\n]/g, '\x80'))
}

function decodeShifts(text: string, { runs, unshifted, tilde }: Shifting): string {
  const plain = (slice: string): string => slice.replaceAll(tilde, '~')
  let decoded = ''
  let at = 0
  for (const { 0: run, 1: shifted = '', index } of text.matchAll(runs)) {
    const octets = toBytes(shifted).map((octet) => octet | 0x80)
    decoded += plain(text.slice(at, index)) + toText(toUtf8(fromBytes(octets), unshifted))
    at = index + run.length
  }
  return decoded + plain(text.slice(at))
}

/** Hides what is not in ASCII or JIS X 0201 Roman state, and the escape sequences themselves. */
function maskEscapes(text: string): string {
  const octets = toBytes(text)
  let isAscii = true
  for (let i = 0; i < octets.length; i++) {
    if (octets[i] === 0x1b) {
      isAscii = octets[i + 1] === 0x28 && (octets[i + 2] === 0x42 || octets[i + 2] === 0x4a)
      const end = Math.min(i + 3, octets.length)
      octets.fill(MASK, i, end)
      i = end - 1
    } else if (!isAscii && octets[i] !== 0x0d && octets[i] !== 0x0a) {
      octets[i] = MASK
    }
  }
  return fromBytes(octets)
}

/** Trail octets look like letters or brackets, and in GB18030 like digits. */
function maskTrails(text: string, isKana: boolean): string {
  const octets = toBytes(text)
  // A wrong label on UTF-8, which has no such octets.
  if (isUtf8(octets)) return text
  for (let i = 0; i < octets.length; i++) {
    const lead = octets[i] ?? 0
    // Shift_JIS has half-width kana of one octet between its lead octets.
    if (lead <= 0x80 || lead === 0xff || (isKana && lead >= 0xa0 && lead <= 0xdf)) continue
    // `: ; < = > ?` are never trail octets: behind a damaged character they are what they look like.
    const trail = octets[++i] ?? 0
    if (trail >= 0x40 || (trail >= 0x30 && trail <= 0x39)) octets[i] = MASK
  }
  return fromBytes(octets)
}
