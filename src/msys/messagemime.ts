// The MIME tree of a message, and new parts for it. Momentum manual pages "lua.ref.msg_mime",
// "lua.ref.msg_makePart", "lua.ref.msg_makeContainer", "lua.ref.msg_makeBoundary".
import { randomBytes } from 'node:crypto'
import { toBytes } from '../mail/bytes.ts'
import { makeBoundary } from '../mime/boundary.ts'
import { type Field, makeField } from '../mime/field.ts'
import { canonicalLines } from '../mime/line.ts'
import { CRLF, makeNode, type PartNode, renderPart } from '../mime/tree.ts'
import { type FreshBoundary, isWithin, makeContainer } from '../mime/treeedit.ts'
import { TRANSFER_ENCODINGS } from './constants.ts'
import { LuaCallError } from '../lua/error.ts'
import {
  adoptPart,
  assertBodyOpen,
  editingTree,
  noteEdit,
  partHandle,
  rawOf,
  readingTree,
} from './content.ts'
import { declare } from './declaration.ts'
import { assertAlive, type MessageHandle, type PartHandle, type PartTree } from './handle.ts'
import { octets } from './ioobject.ts'
import { boolean, object, optional, type Parameter, rest, string } from './parameter.ts'
import { MESSAGE_STAGES } from './stage.ts'

const method = declare<MessageHandle>()

const stages = MESSAGE_STAGES

export const MIME_METHODS = [
  method(
    'msg:mime',
    [optional(boolean('readonly'), true)],
    {
      result: 'part',
      tier: 1,
      stages,
      doc: 'the root of the MIME tree; its parts can be edited with false',
      differs: 'a tree beyond 32 levels or 1,000 parts ends in containers without parts',
    },
    (msg, [isReadOnly], runtime) => {
      if (!isReadOnly) assertBodyOpen(msg, 'msg:mime', runtime)
      const tree = isReadOnly ? readingTree(msg) : editingTree(msg)
      return runtime.wrap(partHandle(msg, tree, tree.root))
    },
  ),
  method(
    'msg:makePart',
    [string('mimetype'), optional(octets('body'), ''), optional(transferEncoding('encoding'))],
    {
      result: 'part',
      tier: 2,
      stages,
      doc: 'a new part with this body, which is encoded already as `encoding` says',
      differs: 'without `encoding`, a body that is not ASCII is labelled 8bit',
    },
    (msg, [type, body, encoding], { wrap }) => {
      const bytes = toBytes(body)
      const label = encoding ?? (bytes.some((octet) => octet > 127) ? '8bit' : '7bit')
      const fields = [
        makeField('Content-Type', type),
        ...(label === '7bit' ? [] : [makeField('Content-Transfer-Encoding', label)]),
      ]
      const handle = detached(msg, makeNode(fields, canonicalLines(bytes)))
      handle.made = { bytes, start: 0, end: bytes.length }
      return wrap(handle)
    },
  ),
  method(
    'msg:makeContainer',
    [string('mimetype'), optional(string('boundary')), optional(boolean('add_terminator'), false)],
    {
      result: 'part',
      tier: 2,
      stages,
      doc: 'a new part for others; with a boundary of its own making unless one is given',
      differs: 'a terminator is not needed and not added',
    },
    (msg, [type, boundary], { wrap }) => {
      const chosen = boundary ?? freshBoundary(msg, [])()
      return wrap(detached(msg, makeContainer(type, chosen)))
    },
  ),
  method(
    'msg:makeBoundary',
    [rest(object<PartHandle>('parts', 'part'))],
    {
      result: 'string',
      tier: 2,
      stages,
      doc: 'a boundary that occurs neither in the message nor in the given parts',
    },
    (msg, [parts]) =>
      freshBoundary(
        msg,
        parts.map(({ node }) => node),
      )(),
  ),
  method(
    'msg:set_first_part',
    [object<PartHandle>('part', 'part')],
    {
      result: 'nil',
      tier: 2,
      stages,
      doc: 'makes a part the top of the message, which keeps its other header fields',
    },
    (msg, [top], runtime) => {
      assertBodyOpen(msg, 'msg:set_first_part', runtime)
      assertAlive(top)
      if (top.node.parent) throw new LuaCallError('msg:set_first_part: the part is in a container')
      setTop(msg, top)
    },
  ),
]

/** Gives boundaries that occur neither in the message nor in further parts. */
export function freshBoundary(msg: MessageHandle, parts: readonly PartNode[]): FreshBoundary {
  return () => {
    const edited = msg.editing ? renderPart(msg.editing.root) : rawOf(msg)
    const texts = [edited, ...parts.map(renderPart)]
    return makeBoundary(texts, () => randomBytes(12).toString('hex'))
  }
}

/** A part that is linked nowhere yet. */
function detached(msg: MessageHandle, node: PartNode): PartHandle {
  const tree: PartTree = { root: node, isReadOnly: false, isDirty: false }
  return partHandle(msg, tree, node)
}

/** What describes the content goes with its part, all else stays with the message. */
function setTop(msg: MessageHandle, top: PartHandle): void {
  const tree = editingTree(msg)
  const old = tree.root
  if (old === top.node) return
  const isOfContent = ({ key }: Field): boolean => key.startsWith('content-')
  const kept = old.fields.filter((field) => !isOfContent(field))
  if (isWithin(old, top.node)) old.fields = old.fields.filter(isOfContent)
  else tree.gone = 'another part is the top of the message'
  top.node.fields = [...kept, ...top.node.fields.filter(isOfContent)]
  top.node.separator = CRLF
  adoptPart(top.node, msg, top.tree)
  top.tree.root = top.node
  msg.editing = top.tree
  noteEdit(msg, top.tree)
}

/** One of the EC_MIME_TE_… constants. */
function transferEncoding(name: string): Parameter<(typeof TRANSFER_ENCODINGS)[number]> {
  return {
    name,
    expects: 'msys.core.EC_MIME_TE_*',
    read: (value) => (typeof value === 'number' ? TRANSFER_ENCODINGS[value] : undefined),
  }
}
