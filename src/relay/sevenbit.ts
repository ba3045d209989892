// A message with 8-bit octets for a peer without 8BITMIME (RFC 6152 §3; Momentum manual page
// "transform_8bitmime_content"): its parts are encoded, text as quoted-printable, the rest as base64. A signed
// message would lose its signature by that. Header fields with 8-bit octets stay as they are: no encoding of
// the body helps them.
import { isAscii } from 'node:buffer'
import { encodeBase64 } from '../mime/base64.ts'
import { type Field, fieldValue, makeField, splitHeader } from '../mime/field.ts'
import { findFields, placeField } from '../mime/header.ts'
import { encodeQuotedPrintable } from '../mime/quotedprintable.ts'
import { describeNode, partsOf, type PartNode, plantTree, renderTree } from '../mime/tree.ts'

/**
 * `no`: as it is. `ifneeded`: encoded unless signed. `strict`: encoded, and refused where that cannot be done
 * or breaks a signature. `strip`: the high bit of each octet of the body is dropped.
 */
export type Transformation = 'no' | 'ifneeded' | 'strict' | 'strip'

const SIGNATURES = ['dkim-signature', 'domainkey-signature', 'arc-message-signature']

/** Undefined: it cannot be sent. */
export function toSevenBit(message: Buffer, how: Transformation): Buffer | undefined {
  if (how === 'no' || isAscii(message)) return message
  const split = splitHeader(message)
  if (how === 'strip')
    return Buffer.concat([
      message.subarray(0, message.length - split.body.length),
      strip(split.body),
    ])
  if (SIGNATURES.some((name) => findFields(split.fields, name).length > 0)) {
    return how === 'strict' ? undefined : message
  }
  const root = plantTree(split)
  const isChanged = [...partsOf(root)].map(encodePart).includes(true)
  if (isChanged && findFields(root.fields, 'mime-version').length === 0) {
    root.fields = placeField(root.fields, makeField('MIME-Version', '1.0'))
  }
  const { fields, separator, body } = renderTree(root)
  const encoded = Buffer.concat([...fields.map(({ bytes }) => bytes), separator, body])
  return how === 'strict' && !isAscii(encoded) ? undefined : encoded
}

/** Whether it had to. */
function encodePart(part: PartNode): boolean {
  const { type, encoding } = describeNode(part)
  if (part.container) {
    // Nothing below it is 8-bit any more, and a container has no other encoding (RFC 2045 §6.4).
    return encoding === '8bit' || encoding === 'binary' ? declareEncoding(part, '7bit') : false
  }
  const isPlain = encoding === '7bit' || encoding === '8bit' || encoding === 'binary'
  if (!isPlain || isAscii(part.content)) return false
  if (type.type === 'message/rfc822') {
    const inner = toSevenBit(part.content, 'ifneeded') ?? part.content
    part.content = inner
    return declareEncoding(part, isAscii(inner) ? '7bit' : '8bit')
  }
  const isText = type.type.startsWith('text/')
  part.content = isText ? encodeQuotedPrintable(part.content) : encodeBase64(part.content)
  return declareEncoding(part, isText ? 'quoted-printable' : 'base64')
}

function declareEncoding(part: PartNode, encoding: string): true {
  const present: Field | undefined = findFields(part.fields, 'content-transfer-encoding')[0]
  if (!present || fieldValue(present).toLowerCase() !== encoding) {
    part.fields = placeField(part.fields, makeField('Content-Transfer-Encoding', encoding))
  }
  return true
}

function strip(body: Buffer): Buffer {
  const stripped = Buffer.from(body)
  for (let i = 0; i < stripped.length; i++) stripped[i] = (stripped[i] ?? 0) & 0x7f
  return stripped
}
