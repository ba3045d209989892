// What a charset label allows: whether ASCII can be found and replaced in the raw octets, how its octets
// become UTF-8, and back. Labels and decoders are those of the WHATWG Encoding Standard (TextDecoder), which
// has no encoders: those are iconv-lite's, and so are the decoders of labels that only it knows (cp437).
import iconv from 'iconv-lite'

/**
 * `ascii`: an octet below 0x80 is always that ASCII character. `multibyte`: a trailing octet may look
 * like a letter, digit or one of `@[\]^_{|}~` and backquote, never like blank, quote or `<>&=/:`.
 * `stateful`: escape sequences change the meaning of all octets. `wide`: two or four octets each.
 */
export type CharsetKind = 'ascii' | 'multibyte' | 'stateful' | 'wide'

// The global is declared as a value only.
type Decoder = InstanceType<typeof TextDecoder>

const KINDS: readonly (readonly [RegExp, CharsetKind])[] = [
  [
    /^(?:(?:x-)?(?:ms_kanji|shift[-_]?jis|sjis)|(?:ms|cp|windows-)9(?:32|36|49|50)|windows-31j|csshiftjis|(?:cn-|x-x-)?big5(?:-hkscs)?|csbig5|gbk|x-gbk|gb_?2312(?:-80)?|csgb2312|csiso58gb231280|gb18030|ksc?_?c?_?5601.*|johab|uhc)$/,
    'multibyte',
  ],
  [/^(?:iso-?2022-|csiso2022|hz$|hz-gb-2312$|(?:unicode-1-1-)?utf-?7)/, 'stateful'],
  [/^(?:utf-?(?:16|32)|ucs-?[24]|iso-10646-ucs|csunicode$|unicode(?:fffe|feff)?$)/, 'wide'],
]

/** What 0x80 to 0x9F mean there. */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'

const decoders = new Map<string, Decoder>()

/** How ASCII lies in a text of this charset; an unknown label counts as `ascii`. */
export function isAsciiCompatible(charset: string): CharsetKind {
  const label = charset.trim().toLowerCase()
  return KINDS.find(([labels]) => labels.test(label))?.[1] ?? 'ascii'
}

/**
 * A byte string in `charset` as a byte string in UTF-8. UTF-8 and ASCII stay as they are, also when
 * they are not valid; a label that nobody knows is read as Windows-1252, the superset of Latin-1.
 */
export function toUtf8(value: string, charset: string): string {
  const label = charset.trim().toLowerCase()
  if (/^(?:utf-?8|us-ascii|ascii)?$/.test(label)) return value
  return Buffer.from(decodeText(value, label), 'utf8').toString('latin1')
}

function decodeText(value: string, label: string): string {
  const decoder = decoderOf(label)
  if (!decoder && isWritable(label)) return iconv.decode(Buffer.from(value, 'latin1'), label)
  const text = decoder?.decode(Buffer.from(value, 'latin1')) ?? value
  // Node 20 decodes Windows-1252 as Latin-1 (its TextDecoder should know better).
  const isLatin = !decoder || decoder.encoding === 'windows-1252'
  return isLatin ? text.replace(/[\x80-\x9f]/g, windowsCharacter) : text
}

/** Whether anybody knows what its octets mean. */
export function isKnownCharset(charset: string): boolean {
  const label = charset.trim().toLowerCase()
  return decoderOf(label) !== undefined || isWritable(label)
}

/** Some names that iconv-lite has are no charsets. */
function isWritable(label: string): boolean {
  return !/^(?:base64|binary|hex)$/.test(label) && iconv.encodingExists(label)
}

/**
 * A byte string in UTF-8 as one in `charset`; undefined when it holds a character that the charset does
 * not have, when it is no UTF-8, or when nobody knows how to write the charset.
 */
export function fromUtf8(value: string, charset: string): string | undefined {
  const label = charset.trim().toLowerCase()
  if (!/[\x80-\xff]/.test(value) && /ascii|multibyte/.test(isAsciiCompatible(label))) return value
  if (/^(?:us-ascii|ascii)?$/.test(label)) return undefined
  if (/^utf-?8$/.test(label)) return value
  const bytes = Buffer.from(value, 'latin1')
  const text = bytes.toString('utf8')
  if (!Buffer.from(text, 'utf8').equals(bytes)) return undefined
  const encoded = encodeText(text, label)
  return encoded !== undefined && toUtf8(encoded, label) === value ? encoded : undefined
}

function encodeText(text: string, label: string): string | undefined {
  if (/^(?:cs)?iso-?2022-?jp$/.test(label)) return encodeIso2022Jp(text)
  // What the standard reads as Windows-1252 is written so too.
  const name = decoderOf(label)?.encoding === 'windows-1252' ? 'windows-1252' : label
  return isWritable(name) ? iconv.encode(text, name).toString('latin1') : undefined
}

/** RFC 1468: ASCII, and JIS X 0208 between escape sequences; every line ends in ASCII. */
function encodeIso2022Jp(text: string): string {
  return text.replace(/[^\0-\x7f]+/g, (run) => {
    // EUC-JP holds the same characters with the high bit set.
    const octets = iconv.encode(run, 'euc-jp').toString('latin1')
    const shifted = octets.replace(/[^]/g, (octet) =>
      String.fromCharCode(octet.charCodeAt(0) & 0x7f),
    )
    return `\x1b$B${shifted}\x1b(B`
  })
}

function windowsCharacter(control: string): string {
  return WINDOWS_1252.charAt(control.charCodeAt(0) - 0x80)
}

function decoderOf(label: string): Decoder | undefined {
  const known = decoders.get(label)
  if (known) return known
  try {
    const decoder = new TextDecoder(label)
    // Only known labels are kept, and there are some two hundred of them.
    decoders.set(label, decoder)
    return decoder
  } catch {
    return undefined // The constructor throws for a label that it does not know.
  }
}
