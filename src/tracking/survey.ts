// One look at a body: its text parts decoded, their links and the place of the pixel located. It depends
// on the bytes alone, so all copies with the same body share one survey. A part that cannot be decoded
// or scanned is left out with its reason, and goes out unmodified.
import { fromBytes } from '../mail/bytes.ts'
import { decodeBase64, isBase64 } from '../mime/base64.ts'
import type { Field } from '../mime/field.ts'
import { type Part, parseParts } from '../mime/part.ts'
import { decodeQuotedPrintable } from '../mime/quotedprintable.ts'
import { findBodyParts, isSealedType } from './bodyparts.ts'
import { findMacros } from './braces.ts'
import { charsetDecoder, htmlCharset, maskCharset } from './charset.ts'
import { findInHtml } from './html.ts'
import type { Findings } from './link.ts'
import { findInText, isPgpText } from './text.ts'

export type PartName = 'text/html' | 'text/plain'

/** Why a text part stays as it is. */
export type PartRefusal =
  /** The message is signed, encrypted, a report or another message. */
  | 'sealed'
  | 'pgp'
  /** No content; without an empty line there is not even a place for any. */
  | 'empty'
  /** A charset that cannot be scanned by octets. */
  | 'charset'
  /** A Content-Transfer-Encoding that is unknown, or content that does not keep to it. */
  | 'encoding'
  /** More than MAX_LINKS: no newsletter, and sealing them would keep others waiting. */
  | 'too-many-links'
  | 'failed'

const MAX_LINKS = 10_000

/** Most parts fit: they are decoded here and made text of at once. */
const scratch = Buffer.alloc(128 * 1024)

export type TransferEncoding = 'plain' | 'binary' | 'quoted-printable' | 'base64'

/** Refusals that an operator wants to hear of. */
const REPORTED: ReadonlySet<PartRefusal> = new Set(['charset', 'encoding', 'too-many-links'])

export interface SurveyedPart extends Findings {
  readonly name: PartName
  readonly part: Part
  readonly isRoot: boolean
  readonly encoding: TransferEncoding
  /** As it stands in the body. */
  readonly raw: Buffer
  /** Quoted-printable is decoded again: nobody but explanations asks. */
  readonly decoded: () => Buffer
  /** Of quoted-printable: where its lines end, decoded and encoded (`decodeQuotedPrintable`). */
  readonly lines: readonly number[]
}

export interface Survey {
  readonly body: Buffer
  /** In the order of the body. */
  readonly parts: readonly SurveyedPart[]
  readonly refusals: readonly { readonly part: PartName | 'message'; readonly why: PartRefusal }[]
  readonly failures: readonly string[]
  /** Whether anything can be click-tracked. */
  readonly hasLinks: boolean
  /** Whether any of that unsubscribes. */
  readonly hasUnsubscribe: boolean
  /** Whether there is a place for a pixel. */
  readonly hasHtml: boolean
}

export function surveyBody(fields: readonly Field[], body: Buffer): Survey {
  const root = parseParts(fields, body)
  const { html, plain } = findBodyParts(root)
  const parts: SurveyedPart[] = []
  const refusals: Survey['refusals'][number][] = []
  const failures: string[] = []
  if (isSealedType(root.type.type)) refusals.push({ part: 'message', why: 'sealed' })

  const look = (name: PartName, part: Part): void => {
    try {
      const found = surveyPart(name, part, part === root, body.subarray(part.start, part.end))
      if (typeof found === 'string') refusals.push({ part: name, why: found })
      else parts.push(found)
      if (typeof found === 'string' && REPORTED.has(found)) failures.push(`${name}: ${found}`)
    } catch (error) {
      refusals.push({ part: name, why: 'failed' })
      failures.push(`${name}: ${String(error)}`)
    }
  }
  if (html) look('text/html', html)
  if (plain) look('text/plain', plain)
  parts.sort((a, b) => a.part.start - b.part.start)
  return {
    body,
    parts,
    refusals,
    failures,
    hasLinks: parts.some((part) => part.links.some((link) => !link.refusal)),
    hasUnsubscribe: parts.some((part) =>
      part.links.some((link) => !link.refusal && link.kind === 'unsubscribe'),
    ),
    hasHtml: parts.some((part) => part.pixelAt !== undefined),
  }
}

function surveyPart(
  name: PartName,
  part: Part,
  isRoot: boolean,
  raw: Buffer,
): SurveyedPart | PartRefusal {
  if (!raw.length) return 'empty'
  const encoding = encodingOf(part)
  if (!encoding || (encoding === 'base64' && !isBase64(raw))) return 'encoding'
  const lines: number[] = []
  const room = encoding === 'quoted-printable' ? openRoom(raw.length) : undefined
  const decoded = decode(raw, encoding, lines, room?.octets)
  const text = fromBytes(decoded)
  room?.close()
  const charset =
    part.type.parameters.get('charset') ?? (name === 'text/html' ? htmlCharset(text) : '')
  const masked = maskCharset(text, charset)
  if (masked === undefined) return 'charset'
  if (name === 'text/plain' && isPgpText(masked)) return 'pgp'
  const decodeText = charsetDecoder(charset)
  const found =
    name === 'text/html'
      ? findInHtml(text, masked, decodeText)
      : findInText(text, masked, decodeText, isDelSp(part))
  if (found.links.length > MAX_LINKS) return 'too-many-links'
  const cuts = [...found.cuts, ...findMacros(masked)]
  const again = (): Buffer => (encoding === 'quoted-printable' ? decode(raw, encoding) : decoded)
  const { links, pixelAt, initialPixelAt } = found
  const places = { links, cuts, pixelAt, initialPixelAt }
  return { name, part, isRoot, encoding, raw, decoded: again, lines, ...places }
}

function encodingOf(part: Part): TransferEncoding | undefined {
  switch (part.encoding) {
    case '7bit':
    case '8bit':
      return 'plain'
    case 'binary':
    case 'quoted-printable':
    case 'base64':
      return part.encoding
    default:
      return undefined
  }
}

/** Room for octets that are needed for a moment; a large one is given back at once, not when garbage is collected. */
function openRoom(length: number): { readonly octets: Buffer; close(): void } {
  if (length <= scratch.length) return { octets: scratch, close: () => {} }
  const memory: Resizable = Reflect.construct(ArrayBuffer, [length, { maxByteLength: length }])
  return { octets: Buffer.from(memory), close: () => memory.resize(0) }
}

/** Of ES2024; Node has it. */
type Resizable = ArrayBuffer & { resize(length: number): void }

/** What is decoded into `room` holds until the next time. */
function decode(raw: Buffer, encoding: TransferEncoding, lines?: number[], room?: Buffer): Buffer {
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(raw, lines, room)
  return encoding === 'base64' ? decodeBase64(raw) : raw
}

/** RFC 3676 §4.2 */
function isDelSp(part: Part): boolean {
  const { parameters } = part.type
  return (
    parameters.get('format')?.toLowerCase() === 'flowed' &&
    parameters.get('delsp')?.toLowerCase() === 'yes'
  )
}
