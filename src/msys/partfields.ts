// The fields of a part: its neighbours in the tree, and where it stands in the message. Offsets count octets
// of the whole message from 0. Momentum: "structs-ec-message-part".
import { LuaCallError } from '../lua/error.ts'
import type { LuaValue } from '../lua/value.ts'
import { fromBytes } from '../mail/bytes.ts'
import { canonicalLines } from '../mime/line.ts'
import { type Part, parseParts } from '../mime/part.ts'
import { describeNode, nextInThread, nextSibling, type PartNode } from '../mime/tree.ts'
import { setContent } from '../mime/treeedit.ts'
import { TRANSFER_ENCODINGS } from './constants.ts'
import { contentOf, noteEdit, partHandle, rawOf } from './content.ts'
import { declareField } from './declaration.ts'
import type { PartHandle } from './handle.ts'
import { ioObject } from './ioobject.ts'
import { freshBoundary } from './messagemime.ts'
import type { Runtime } from './runtime.ts'

const field = declareField<PartHandle>()

const PARSED = 'only a part of msg:makePart can be given other ones'

export const PART_FIELDS = [
  neighbour('thread', 1, 'the next part, depth first', nextInThread),
  neighbour(
    'parts',
    1,
    'the first part in this container',
    ({ container }) => container?.children[0],
  ),
  neighbour('next', 1, 'the next part in the same container', nextSibling),
  neighbour('parent', 2, 'the container that it is in', ({ parent }) => parent),
  field(
    'msgpart.boundary',
    { result: 'string | nil', tier: 2, doc: 'what delimits the parts of this container' },
    ({ node }) => node.container?.boundary,
  ),
  field(
    'msgpart.boundary_len',
    { result: 'number', tier: 2, doc: 'its octets' },
    ({ node }) => node.container?.boundary.length ?? 0,
  ),
  field(
    'msgpart.type',
    { result: 'string', tier: 2, doc: 'its MIME type', differs: 'Momentum has a number' },
    ({ node }) => describeNode(node).type.type,
  ),
  field(
    'msgpart.encoding',
    { result: 'number', tier: 2, doc: 'msys.core.EC_MIME_TE_…; -1 for any other' },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- any text may be looked for
    ({ node }) => (TRANSFER_ENCODINGS as readonly string[]).indexOf(describeNode(node).encoding),
  ),
  field(
    'msgpart.body',
    { result: 'io_object', tier: 2, doc: 'the octets that the offsets count in' },
    ({ owner, made, tree }, { wrap }) =>
      wrap(ioObject(fromBytes(made && tree !== owner.editing ? made.bytes : rawOf(owner)))),
  ),
  offset('headers_start', 'where its header begins'),
  offset('preamble_start', 'where the preamble of a container, or the content, begins'),
  offset('body_start', 'where its content, or the first delimiter, begins', (made, value) => {
    made.start = value
  }),
  offset('body_end', 'where its content, or the closing delimiter, ends', (made, value) => {
    made.end = value
  }),
  offset('epilogue_end', 'where the part ends'),
]

type Offset = 'headers_start' | 'preamble_start' | 'body_start' | 'body_end' | 'epilogue_end'

function neighbour(
  name: string,
  tier: 1 | 2,
  doc: string,
  find: (node: PartNode) => PartNode | undefined,
) {
  return field(
    `msgpart.${name}`,
    { result: 'part | nil', tier, doc },
    ({ node, owner, tree }, { wrap }: Runtime): LuaValue => {
      const found = find(node)
      return found && wrap(partHandle(owner, tree, found))
    },
  )
}

function offset(
  name: Offset,
  doc: string,
  write?: (made: NonNullable<PartHandle['made']>, value: number) => void,
) {
  return field(
    `msgpart.${name}`,
    { result: 'number', tier: 1, doc, ...(write && { differs: PARSED }) },
    (self) => offsetsOf(self)[name],
    (self, value) => {
      const { made, node, owner, tree } = self
      if (!made || !write || tree.isReadOnly) {
        throw new LuaCallError(`msgpart.${name} cannot be set: ${PARSED}`)
      }
      if (typeof value !== 'number' || !(value >= 0 && value <= made.bytes.length)) {
        throw new LuaCallError(`msgpart.${name}: an offset in the body expected`)
      }
      write(made, value)
      const content = canonicalLines(made.bytes.subarray(made.start, made.end))
      setContent(node, content, freshBoundary(owner, [tree.root]))
      noteEdit(owner, tree)
    },
  )
}

function offsetsOf({ made, node, owner, tree }: PartHandle): Record<Offset, number> {
  if (tree !== owner.editing && tree !== owner.reading) {
    const { start = 0, end = 0 } = made ?? {}
    return {
      headers_start: 0,
      preamble_start: start,
      body_start: start,
      body_end: end,
      epilogue_end: end,
    }
  }
  const { fields, separator, body } = contentOf(owner)
  const header = fields.reduce((sum, { bytes }) => sum + bytes.length, separator.length)
  const part = pathTo(node).reduce<Part | undefined>(
    (found, index) => found?.children[index],
    parseParts(fields, body),
  )
  const { headerStart = 0, start = 0, end = 0 } = part ?? {}
  const offsets = { first: start, last: end }
  if (node.container && part) {
    const { preamble } = node.container
    // The line end before a delimiter belongs to it, and it begins behind.
    offsets.first += preamble.length === 0 ? 0 : preamble.length + 2
    const closing = body.indexOf('\n', (part.children.at(-1)?.end ?? start) + 2)
    offsets.last = closing < 0 || closing > end ? end : closing + 1
  }
  return {
    headers_start: node.parent ? header + headerStart : 0,
    preamble_start: header + start,
    body_start: header + offsets.first,
    body_end: header + offsets.last,
    epilogue_end: header + end,
  }
}

/** Which child of its container it is, from the root down. */
function pathTo(node: PartNode): number[] {
  const path: number[] = []
  for (let at = node; at.parent; at = at.parent) {
    path.unshift(at.parent.container?.children.indexOf(at) ?? -1)
  }
  return path
}
