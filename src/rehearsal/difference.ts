// What differs between two texts, line by line, as hunks with a few lines around each; and between the
// headers and the parts of two messages. Plain text (not byte strings) comes out.
import { structuredPatch } from 'diff'
import { fromBytes, toText } from '../mail/bytes.ts'
import { readText } from '../mime/content.ts'
import { decodeWords } from '../mime/encodedword.ts'
import { type Field, fieldName, fieldValue, splitHeader } from '../mime/field.ts'
import { type Part, parseParts } from '../mime/part.ts'
import type { Split } from './result.ts'

export interface LineHunk {
  /** Lines, from 1. */
  readonly beforeLine: number
  readonly afterLine: number
  /** Each begins with ` `, `-` or `+`. */
  readonly lines: readonly string[]
}

/** `too different`: nobody would read it, and it would take too long. */
export type Difference = readonly LineHunk[] | 'too different'

export interface FieldText {
  readonly name: string
  /** Encoded words decoded, in one line. */
  readonly value: string
}

export interface HeaderDifference {
  readonly removed: readonly FieldText[]
  readonly added: readonly FieldText[]
}

export interface PartDifference {
  /** `text/html` */
  readonly type: string
  /** Its place among the parts that hold something, from 1. */
  readonly number: number
  readonly encoding: string
  /** Octets of the content as it stands in the message; 0 where there is no such part. */
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly isChanged: boolean
  /** Of its decoded text; none for what is no text. */
  readonly difference: Difference
}

const AROUND = 2
const TIMEOUT_MS = 400

export function differenceOf(before: string, after: string): Difference {
  if (before === after) return []
  const options = { context: AROUND, timeout: TIMEOUT_MS }
  const patch = structuredPatch('', '', before, after, '', '', options)
  if (!patch) return 'too different'
  return patch.hunks.map(({ oldStart, newStart, lines }) => ({
    beforeLine: oldStart,
    afterLine: newStart,
    lines: lines.filter((line) => !line.startsWith('\\')),
  }))
}

/** A field that only moved has not changed. */
export function headerDifference(before: Split, after: Split): HeaderDifference {
  const [old, now] = [fieldsOf(before), fieldsOf(after)]
  return { removed: without(old, now), added: without(now, old) }
}

/** Parts that hold something, in their order; those of the same number and type are compared. */
export function partDifferences(before: Split, after: Split): readonly PartDifference[] {
  const [old, now] = [leavesOf(before), leavesOf(after)]
  const differences: PartDifference[] = []
  for (let i = 0; i < Math.max(old.length, now.length); i++) {
    const [a, b] = [old[i], now[i]]
    if (a && b && a.part.type.type === b.part.type.type) differences.push(comparePart(i, a, b))
    else {
      if (a) differences.push(comparePart(i, a, undefined))
      if (b) differences.push(comparePart(i, undefined, b))
    }
  }
  return differences
}

interface Leaf {
  readonly part: Part
  readonly content: Buffer
}

function fieldsOf({ header }: Split): readonly Field[] {
  return splitHeader(header).fields
}

function without(fields: readonly Field[], others: readonly Field[]): FieldText[] {
  const left = others.map(rawOf)
  return fields.flatMap((field) => {
    const at = left.indexOf(rawOf(field))
    if (at < 0) return [{ name: toText(fieldName(field)), value: valueText(field) }]
    left.splice(at, 1)
    return []
  })
}

function rawOf({ bytes }: Field): string {
  return fromBytes(bytes)
}

function valueText(field: Field): string {
  return toText(decodeWords(fieldValue(field)))
}

function leavesOf({ header, body }: Split): Leaf[] {
  const leaves: Leaf[] = []
  const visit = (part: Part): void => {
    if (part.children.length > 0) part.children.forEach(visit)
    else leaves.push({ part, content: body.subarray(part.start, part.end) })
  }
  visit(parseParts(fieldsOf({ header, body }), body))
  return leaves
}

function comparePart(
  index: number,
  before: Leaf | undefined,
  after: Leaf | undefined,
): PartDifference {
  const { part } = (after ?? before) as Leaf
  const isChanged = !before || !after || !before.content.equals(after.content)
  const isText = part.type.type.startsWith('text/')
  return {
    type: part.type.type,
    number: index + 1,
    encoding: part.encoding,
    bytesBefore: before?.content.length ?? 0,
    bytesAfter: after?.content.length ?? 0,
    isChanged,
    difference: isChanged && isText ? differenceOf(textOf(before), textOf(after)) : [],
  }
}

function textOf(leaf: Leaf | undefined): string {
  if (!leaf) return ''
  const text = readText(leaf.content, leaf.part) ?? fromBytes(leaf.content)
  return toText(text).replaceAll('\r\n', '\n')
}
