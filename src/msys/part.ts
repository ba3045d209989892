// A part of a message: header, text, place in the tree. Momentum manual pages "lua.ref.msgpart_header" …
// "lua.ref.msgpart_unlink".
import type { HostResult } from '../lua/binding.ts'
import { LuaCallError } from '../lua/error.ts'
import type { LuaValue } from '../lua/value.ts'
import { describeNode, type PartNode } from '../mime/tree.ts'
import {
  type FreshBoundary,
  insertChild,
  isWithin,
  setFields,
  unlinkNode,
} from '../mime/treeedit.ts'
import { putText, textOf } from '../mime/treetext.ts'
import { addressComponent } from './addresscomponent.ts'
import { adoptPart, noteEdit, partHandle } from './content.ts'
import { declare } from './declaration.ts'
import { assertAlive, type PartHandle } from './handle.ts'
import { readAddresses, readHeader, writeHeader } from './headeredit.ts'
import { freshBoundary } from './messagemime.ts'
import { any, object, optional, string } from './parameter.ts'
import { assertPartOpen, changePart } from './partedit.ts'
import { PART_FIELDS } from './partfields.ts'
import { PART_MATCH_METHODS } from './partmatch.ts'
import type { Runtime } from './runtime.ts'
import type { ClassShape } from './shape.ts'
import { MESSAGE_STAGES } from './stage.ts'

const method = declare<PartHandle>()

const stages = MESSAGE_STAGES
const part = object<PartHandle>

export const MESSAGE_PART: ClassShape<PartHandle> = {
  kind: 'part',
  className: 'msys.core:_ec_message_part',
  prefix: 'msgpart',
  methods: [
    method(
      'msgpart:header',
      [string('name'), any('value'), optional(string('mode'), 'replace')],
      {
        result: 'string[] | boolean',
        tier: 1,
        stages,
        doc: "the values of a part's own header field; sets, adds and deletes as msg:header",
      },
      (self, [name, value, mode], runtime, count) => {
        const { fields } = self.node
        if (count < 2) return readHeader(fields, name)
        const made = writeHeader('msgpart:header', fields, name, value, mode)
        return edit(self, 'msgpart:header', runtime, (fresh) => setFields(self.node, made, fresh))
      },
    ),
    method(
      'msgpart:address_header',
      [string('name'), addressComponent],
      {
        result: 'string[]',
        tier: 2,
        stages,
        doc: "the addresses in a part's own header fields of that name, or one component of each",
      },
      (self, [name, component]) => readAddresses(self.node.fields, name, component),
    ),
    method(
      'msgpart:content_type',
      [],
      {
        result: 'table',
        tier: 1,
        stages,
        doc: 'mimetype, charset, encoding, is_attachment, filename; what the header does not say is nil',
      },
      contentType,
    ),
    method(
      'msgpart:text',
      [optional(string('text')), optional(string('type')), optional(string('charset'))],
      {
        result: 'string | nil',
        tier: 1,
        stages,
        doc: 'the text of a part as UTF-8, nil when it is none; sets it',
        differs: 'without a type, a text part keeps its own',
      },
      (self, [text, type, charset], runtime) => {
        if (text !== undefined) {
          edit(self, 'msgpart:text', runtime, (fresh) =>
            putText(self.node, text, { type, charset }, fresh),
          )
        }
        return textOf(self.node)
      },
    ),
    ...PART_MATCH_METHODS,
    method(
      'msgpart:addFirstChild',
      [part('child', 'part')],
      { result: 'boolean', tier: 2, stages, doc: 'puts a part first into this container' },
      (self, [child], runtime) => link('msgpart:addFirstChild', self, child, runtime, () => 0),
    ),
    method(
      'msgpart:addLastChild',
      [part('child', 'part')],
      {
        result: 'boolean',
        tier: 1,
        stages,
        doc: 'puts a part last into this container; false when this is none',
      },
      (self, [child], runtime) =>
        link('msgpart:addLastChild', self, child, runtime, ({ length }) => length),
    ),
    method(
      'msgpart:insertAfter',
      [part('sibling', 'part')],
      { result: 'boolean', tier: 2, stages, doc: 'puts this part behind another one' },
      (self, [sibling], runtime) => linkBeside('msgpart:insertAfter', self, sibling, 1, runtime),
    ),
    method(
      'msgpart:insertBefore',
      [part('sibling', 'part')],
      { result: 'boolean', tier: 2, stages, doc: 'puts this part before another one' },
      (self, [sibling], runtime) => linkBeside('msgpart:insertBefore', self, sibling, 0, runtime),
    ),
    method(
      'msgpart:unlink',
      [],
      {
        result: 'nil',
        tier: 1,
        stages,
        doc: 'takes this part with all below it out of its container; it can be put elsewhere',
      },
      (self, _, runtime) => {
        if (self.node === self.tree.root) {
          throw new LuaCallError('msgpart:unlink: this is the top part of its message')
        }
        edit(self, 'msgpart:unlink', runtime, () => unlinkNode(self.node))
      },
    ),
  ],
  fields: PART_FIELDS,
}

/** Changes a part and lets its message follow. */
function edit(
  self: PartHandle,
  name: string,
  runtime: Runtime,
  change: (fresh: FreshBoundary) => void,
): true {
  assertPartOpen(self, name, runtime)
  changePart(self, change)
  return true
}

function contentType({ node }: PartHandle): HostResult {
  const { type, disposition } = describeNode(node)
  const [encoding] = readHeader(node.fields, 'Content-Transfer-Encoding')
  const filename = disposition.parameters.get('filename') ?? type.parameters.get('name')
  const known: [string, LuaValue][] = [
    ['mimetype', type.type],
    ['charset', type.parameters.get('charset')],
    ['encoding', encoding && describeNode(node).encoding],
    ['is_attachment', filename !== undefined],
    ['filename', filename],
  ]
  return new Map(known.filter(([, value]) => value !== undefined))
}

/** Puts `child` into the container `parent`, away from where it was. False: this is no container. */
function link(
  name: string,
  parent: PartHandle,
  child: PartHandle,
  runtime: Runtime,
  placeIn: (siblings: readonly PartNode[]) => number,
): boolean {
  assertPartOpen(parent, name, runtime)
  assertAlive(child)
  assertPartOpen(child, name, runtime)
  if (isWithin(parent.node, child.node)) {
    throw new LuaCallError(`${name}: a part cannot be put into itself`)
  }
  const { container } = parent.node
  if (!container) return false
  unlinkNode(child.node)
  noteEdit(child.owner, child.tree)
  const fresh = freshBoundary(parent.owner, [parent.tree.root, child.node])
  insertChild(parent.node, placeIn(container.children), child.node, fresh)
  adoptPart(child.node, parent.owner, parent.tree)
  noteEdit(parent.owner, parent.tree)
  return true
}

function linkBeside(
  name: string,
  self: PartHandle,
  sibling: PartHandle,
  offset: number,
  runtime: Runtime,
): boolean {
  assertAlive(sibling)
  const { owner, tree, node } = sibling
  if (!node.parent) throw new LuaCallError(`${name}: the other part is in no container`)
  if (self === sibling) return true
  return link(name, partHandle(owner, tree, node.parent), self, runtime, (siblings) => {
    return siblings.indexOf(node) + offset
  })
}
