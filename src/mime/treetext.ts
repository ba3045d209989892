// The texts of a tree of parts: read as UTF-8, changed, replaced.
import { readText, replaceText, writeText } from './content.ts'
import { describeNode, partsOf, type PartNode } from './tree.ts'
import { type FreshBoundary, setLeaf } from './treeedit.ts'

/** The parts of any text type, attachments too, in depth-first order. */
export function textParts(root: PartNode): readonly PartNode[] {
  return [...partsOf(root)].filter(isText)
}

/** The text of a part as UTF-8; undefined for a container, another type, an unknown transfer encoding. */
export function textOf(node: PartNode): string | undefined {
  return isText(node) ? readText(node.content, describeNode(node)) : undefined
}

/** Changes the text of a part, which was `before`. */
export function changeText(
  node: PartNode,
  before: string,
  after: string,
  fresh: FreshBoundary,
): void {
  setLeaf(node, replaceText(node, describeNode(node), before, after), fresh)
}

/** Gives the part a text in place of all that it holds. Without `type` the text type that it has. */
export function putText(
  node: PartNode,
  text: string,
  { type, charset }: { readonly type?: string | undefined; readonly charset?: string | undefined },
  fresh: FreshBoundary,
): void {
  const own = isText(node) ? describeNode(node).type.type : 'text/plain'
  setLeaf(node, writeText(node, text, type ?? own, charset), fresh)
}

function isText(node: PartNode): boolean {
  return !node.container && describeNode(node).type.type.startsWith('text/')
}
