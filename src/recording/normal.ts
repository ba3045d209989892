// A message and context variables without what differs from one run to the next, as lines that can be
// compared: trace fields are left out, and tokens of tracked links, ids of messages, dates, boundaries and
// what DKIM signs become words in angle brackets. Bodies are compared decoded: a token of another length moves
// the line breaks of quoted-printable.
import { createHash } from 'node:crypto'
import { toText } from '../mail/bytes.ts'
import { decodeContent, readText } from '../mime/content.ts'
import { type Field, fieldName, fieldValue, splitHeader } from '../mime/field.ts'
import { describeNode, type PartNode, partsOf, plantTree } from '../mime/tree.ts'

/** Lines of the header, then of each part. Text for people. */
export function normalMessage(bytes: Buffer): string[] {
  const root = plantTree(splitHeader(bytes))
  const boundaries = boundariesIn(root)
  const lines: string[] = []
  for (const node of partsOf(root)) {
    const fields = node === root ? node.fields.filter(({ key }) => !TRACE.has(key)) : node.fields
    if (node !== root) lines.push('--')
    lines.push(...fields.map((field) => normalField(field, boundaries)), '')
    if (!node.container) lines.push(...contentOf(node))
  }
  return lines
}

/** Variables whose values are what they are by chance have one value. */
export function normalContext(context: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(
    entries.map(([name, value]) => [toText(name), normalText(toText(value))]),
  )
}

/** Of a reply: ids and dates. */
export function normalText(text: string): string {
  return text
    .replace(/\b[0-9A-F]{2}\/[0-9A-F]{2}-\d+-[0-9A-F]+\b/g, '<id>')
    .replace(RFC_DATE, '<date>')
    .replace(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, '<date>')
    .replace(/\b1[5-9]\d{8}(?:\d{3})?\b/g, '<date>')
}

const RFC_DATE =
  /(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), +)?\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d(?::\d\d)? (?:[+-]\d{4}|[A-Z]{2,4})(?: \([A-Z]+\))?/g

/** Of links that lead to a tracker: the kind, which tells that it is tracked, stays. */
export function normalLinks(text: string): string {
  return text
    .replace(/(https?:\/\/[^\s"'<>/]+\/(?:f\/[\w-]{1,20}|q|e|f))\/[\w~.\-/]{20,}/g, '$1/<token>')
    .replace(/(https?:\/\/[^\s"'<>/]+\/(?:f\/[\w-]{1,20}|q|e|f))\/token\b/g, '$1/<token>')
}

const TRACE = new Set(['received', 'return-path', 'x-msys-api'])

function normalField(field: Field, boundaries: ReadonlyMap<string, string>): string {
  let value = toText(fieldValue(field)).replace(/\s+/g, ' ')
  if (field.key === 'dkim-signature') {
    value = value.replace(/\b(b|bh|t|x)=[^;]*/g, '$1=<signed>')
  }
  for (const [boundary, name] of boundaries) value = value.replaceAll(boundary, name)
  return `${toText(fieldName(field))}: ${normalLinks(normalText(value))}`
}

function contentOf(node: PartNode): string[] {
  const described = describeNode(node)
  if (described.type.type.startsWith('text/')) {
    const text = readText(node.content, described)
    if (text !== undefined)
      return normalLinks(toText(text))
        .replace(/\r?\n$/, '')
        .split(/\r?\n/)
  }
  const octets = decodeContent(node.content, described.encoding) ?? node.content
  return [`${octets.length} octets, sha256 ${createHash('sha256').update(octets).digest('hex')}`]
}

function boundariesIn(root: PartNode): Map<string, string> {
  const names = new Map<string, string>()
  for (const { container } of partsOf(root)) {
    if (container?.boundary) names.set(container.boundary, `<boundary ${names.size + 1}>`)
  }
  return names
}
