// New messages: alternatives and attachments in the structure that Momentum's msg:build makes (manual page
// "lua.ref.msg_build"), and a message around another one that is forwarded. Byte strings throughout.
import { encodeBase64 } from './base64.ts'
import { encodeWords } from './encodedword.ts'
import { formatValue } from './contenttype.ts'
import { type Field, isFieldName, makeField, oneLine, type Split, splitHeader } from './field.ts'
import { appendFields } from './header.ts'
import { canonicalLines } from './line.ts'
import { describeFields } from './part.ts'
import { encodeQuotedPrintable } from './quotedprintable.ts'
import { CRLF, makeNode, type PartNode, renderTree } from './tree.ts'
import { type FreshBoundary, insertChild, makeContainer } from './treeedit.ts'
import { writeText } from './content.ts'

export interface Alternative {
  /** Content-Type with its parameters. */
  readonly type: string
  readonly content: string
}

export type Attachment =
  | {
      readonly kind: 'file'
      readonly type: string
      readonly name: string
      /** Further header lines, CRLF between them. */
      readonly headers: string
      readonly content: string
      /** It is base64 already; else it becomes quoted-printable. */
      readonly isBase64: boolean
    }
  | { readonly kind: 'message'; readonly bytes: Buffer }

export interface Composition {
  /** In their order. Those that describe the content are ours. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly alternatives: readonly Alternative[]
  readonly attachments: readonly Attachment[]
}

/** What every message has: added where `headers` does not. */
export interface Defaults {
  readonly date: string
  readonly messageId: string
}

/** multipart/mixed with a multipart/alternative and the attachments, whatever their numbers. */
export function composeMessage(
  { headers, alternatives, attachments }: Composition,
  defaults: Defaults,
  fresh: FreshBoundary,
): Split {
  const root = makeContainer('multipart/mixed', fresh())
  const texts = makeContainer('multipart/alternative', fresh())
  const ordered = alternatives.toSorted((a, b) => preference(a.type) - preference(b.type))
  append(root, texts, fresh)
  for (const alternative of ordered) append(texts, alternativePart(alternative), fresh)
  for (const attachment of attachments) append(root, attachmentPart(attachment), fresh)
  root.fields = [...messageFields(headers, defaults), ...root.fields]
  return renderTree(root)
}

/** A text of ours and the message that it is about. `headers` as in a composition. */
export function composeForward(
  headers: Composition['headers'],
  text: { readonly content: string; readonly charset: string },
  original: Buffer,
  defaults: Defaults,
  fresh: FreshBoundary,
): Split {
  const root = makeContainer('multipart/mixed', fresh())
  const empty = { fields: [], content: Buffer.alloc(0) }
  const { fields, content } = writeText(empty, text.content, 'text/plain', text.charset)
  append(root, makeNode(fields, content), fresh)
  append(root, attachmentPart({ kind: 'message', bytes: original }), fresh)
  root.fields = [...messageFields(headers, defaults), ...root.fields]
  return renderTree(root)
}

function append(parent: PartNode, child: PartNode, fresh: FreshBoundary): void {
  insertChild(parent, parent.container?.children.length ?? 0, child, fresh)
}

function messageFields(headers: Composition['headers'], defaults: Defaults): readonly Field[] {
  const own = headers
    .filter(([name]) => isFieldName(name) && !isOurs(name))
    .map(([name, value]) => makeField(name, encodeWords(oneLine(value))))
  const has = (key: string): boolean => own.some((field) => field.key === key)
  return [
    ...own,
    ...(has('date') ? [] : [makeField('Date', defaults.date)]),
    ...(has('message-id') ? [] : [makeField('Message-ID', defaults.messageId)]),
    makeField('MIME-Version', '1.0'),
  ]
}

function isOurs(name: string): boolean {
  return /^(?:mime-version|content-type|content-transfer-encoding|content-disposition)$/i.test(name)
}

/** The best alternative comes last (RFC 2046 §5.1.4). */
function preference(type: string): number {
  if (/^\s*text\/plain\b/i.test(type)) return 0
  return /^\s*text\/html\b/i.test(type) ? 2 : 1
}

/** Text without charset as quoted-printable, everything else as base64. */
function alternativePart({ type, content }: Alternative): PartNode {
  const described = describeFields([makeField('Content-Type', type)]).type
  const isText = described.type.startsWith('text/')
  const isQuoted = isText && !described.parameters.has('charset')
  const needsCharset = isQuoted && /[\x80-\xff]/.test(content)
  const parameters = new Map(described.parameters)
  if (needsCharset) parameters.set('charset', 'utf-8')
  const octets = Buffer.from(content, 'latin1')
  const fields = [
    makeField('Content-Type', formatValue(described.type, parameters)),
    makeField('Content-Disposition', 'inline'),
    makeField('Content-Transfer-Encoding', isQuoted ? 'quoted-printable' : 'base64'),
  ]
  const encoded = isQuoted ? encodeQuotedPrintable(canonicalLines(octets)) : encodeBase64(octets)
  return makeNode(fields, encoded)
}

function attachmentPart(attachment: Attachment): PartNode {
  if (attachment.kind === 'message') return messagePart(attachment.bytes)
  const { type, headers, content, isBase64 } = attachment
  // Some give a path.
  const name = attachment.name.slice(attachment.name.lastIndexOf('/') + 1)
  const described = describeFields([makeField('Content-Type', type)]).type
  const parameters = new Map(described.parameters).set('name', name)
  const fields = [
    makeField('Content-Type', formatValue(described.type, parameters)),
    makeField('Content-Disposition', formatValue('attachment', new Map([['filename', name]]))),
    makeField('Content-Transfer-Encoding', isBase64 ? 'base64' : 'quoted-printable'),
  ]
  const further = splitHeader(canonicalLines(Buffer.from(headers, 'latin1'))).fields.filter(
    ({ key }) => key !== '' && !isOurs(key),
  )
  const octets = canonicalLines(Buffer.from(content, 'latin1'))
  const encoded = isBase64 ? octets : encodeQuotedPrintable(octets)
  return makeNode(endLast(appendFields(fields, further)), encoded)
}

function messagePart(bytes: Buffer): PartNode {
  const type = formatValue('message/rfc822', new Map([['name', 'Attached Message']]))
  // No other encodings are allowed there (RFC 2046 §5.2.1).
  const encoding = bytes.some((octet) => octet > 127) ? '8bit' : '7bit'
  const fields = [
    makeField('Content-Type', type),
    makeField('Content-Disposition', 'attachment'),
    makeField('Content-Transfer-Encoding', encoding),
  ]
  return makeNode(fields, bytes)
}

/** The last of the given header lines comes without line end. */
function endLast(fields: readonly Field[]): readonly Field[] {
  const last = fields.at(-1)
  if (!last || last.bytes.at(-1) === 10) return fields
  return [...fields.slice(0, -1), { key: last.key, bytes: Buffer.concat([last.bytes, CRLF]) }]
}
