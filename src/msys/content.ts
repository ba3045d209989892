// The content of a message as policy sees and changes it. A change of the body makes new octets, and parts
// of what was there before are gone; parts of the tree that is edited live on. Once links and pixel are in,
// only the header can be changed.
import { LuaCallError } from '../lua/error.ts'
import { describeFields } from '../mime/part.ts'
import type { Field, Split } from '../mime/field.ts'
import { canonicalLines } from '../mime/line.ts'
import { CRLF, partsOf, type PartNode, plantTree, renderTree } from '../mime/tree.ts'
import type { MessageHandle, PartHandle, PartTree } from './handle.ts'
import type { Runtime } from './runtime.ts'

/** With every edit in it, and the body as it will be sent. */
export function contentOf(msg: MessageHandle): Split {
  settleContent(msg)
  const { fields, separator, body } = msg.current
  return { fields, separator, body: msg.sealedBody?.() ?? body }
}

/** All octets of the message. */
export function rawOf(msg: MessageHandle): Buffer {
  const { fields, separator, body } = contentOf(msg)
  return Buffer.concat([...fields.map(({ bytes }) => bytes), separator, body])
}

/** Brings the edits of the tree into the message. */
export function settleContent(msg: MessageHandle): void {
  const { editing } = msg
  if (!editing?.isDirty) return
  editing.isDirty = false
  const { fields, separator, body } = renderTree(editing.root)
  msg.current = { ...msg.current, fields, separator, body: endLine(body) }
}

/** From now on links and pixel are in the body that `body` gives. */
export function sealContent(
  msg: MessageHandle,
  fields: readonly Field[],
  body: () => Buffer,
): void {
  let known: Buffer | undefined
  msg.current = { isTracked: true, ...msg.current, fields }
  msg.sealedBody = () => (known ??= body())
  dropTrees(msg, 'links and pixel are in')
}

/** Raises when this message, or its body, cannot be changed. */
export function assertBodyOpen(msg: MessageHandle, name: string, { callSite }: Runtime): void {
  assertWritable(msg, name)
  if (!msg.sealedBody) return
  const where = callSite()?.callout ?? 'here'
  throw new LuaCallError(`${name}: the body cannot be changed in ${where}: links and pixel are in`)
}

export function assertWritable(msg: MessageHandle, name: string): void {
  assertNoSnapshot(msg, name)
  if (msg.isSent) throw new LuaCallError(`${name}: the message was sent, it is read only`)
}

/** For what is said about a message, not in it. */
export function assertNoSnapshot(msg: MessageHandle, name: string): void {
  if (msg.isSnapshot) throw new LuaCallError(`${name}: a snapshot is read only`)
}

/** Puts another content in place of the whole message. Lines are made canonical. */
export function replaceContent(msg: MessageHandle, content: Split, why: string): void {
  const body = endLine(canonicalLines(content.body))
  const isMissing = content.separator.length === 0 && body.length > 0
  msg.current = {
    ...msg.current,
    fields: content.fields,
    separator: isMissing ? CRLF : content.separator,
    body,
  }
  dropTrees(msg, why)
}

/** Gives the message another header. The parts of a message whose type it changes are gone. */
export function replaceFields(msg: MessageHandle, fields: readonly Field[]): void {
  const { editing, reading } = msg
  if ((editing || reading) && typeOf(fields) !== typeOf(msg.current.fields)) {
    settleContent(msg)
    dropTrees(msg, 'the Content-Type of the message was changed')
  }
  if (msg.editing) msg.editing.root.fields = fields
  if (msg.reading) msg.reading.root.fields = fields
  msg.current = { ...msg.current, fields }
}

/** The parts to look at. */
export function readingTree(msg: MessageHandle): PartTree {
  const content = contentOf(msg)
  msg.reading ??= { root: plantTree(content), isReadOnly: true, isDirty: false }
  return msg.reading
}

/** The parts to edit. */
export function editingTree(msg: MessageHandle): PartTree {
  msg.editing ??= { root: plantTree(contentOf(msg)), isReadOnly: false, isDirty: false }
  return msg.editing
}

/** To be called after each edit of the tree: the message follows. */
export function noteEdit(msg: MessageHandle, tree: PartTree): void {
  if (tree !== msg.editing) return
  tree.isDirty = true
  if (msg.reading) msg.reading.gone = 'the message was edited'
  msg.reading = undefined
  if (msg.current.fields !== tree.root.fields) {
    msg.current = { ...msg.current, fields: tree.root.fields }
  }
}

class TreePart implements PartHandle {
  readonly kind = 'part'
  owner: MessageHandle
  tree: PartTree
  readonly node: PartNode
  declare made?: PartHandle['made'] & {}

  constructor(owner: MessageHandle, tree: PartTree, node: PartNode) {
    this.owner = owner
    this.tree = tree
    this.node = node
  }

  get gone(): string | undefined {
    return this.owner.gone ?? this.tree.gone
  }

  get isDetached(): boolean {
    return this.owner.isDetached === true
  }
}

/** The handle of a part: the same one for the same part. */
export function partHandle(owner: MessageHandle, tree: PartTree, node: PartNode): PartHandle {
  const known = handles.get(node)
  if (known) return known
  const handle = new TreePart(owner, tree, node)
  handles.set(node, handle)
  return handle
}

/** A part with all below it belongs to this tree now. */
export function adoptPart(node: PartNode, owner: MessageHandle, tree: PartTree): void {
  for (const part of partsOf(node)) {
    const handle = handles.get(part)
    if (handle) Object.assign(handle, { owner, tree })
  }
}

const handles = new WeakMap<PartNode, PartHandle>()

function dropTrees(msg: MessageHandle, why: string): void {
  if (msg.editing) msg.editing.gone = why
  if (msg.reading) msg.reading.gone = why
  msg.editing = undefined
  msg.reading = undefined
}

function typeOf(fields: readonly Field[]): string {
  const { type, parameters } = describeFields(fields).type
  return [type, ...parameters].join('\n')
}

/** A message ends with a line. */
function endLine(body: Buffer): Buffer {
  return body.length === 0 || body.at(-1) === 10 ? body : Buffer.concat([body, CRLF])
}
