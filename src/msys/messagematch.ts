// What patterns are matched against in a whole message: its octets, its body, its texts as UTF-8.
import { fromBytes, toBytes } from '../mail/bytes.ts'
import { changeText, textOf, textParts } from '../mime/treetext.ts'
import {
  assertBodyOpen,
  contentOf,
  editingTree,
  noteEdit,
  rawOf,
  readingTree,
  replaceContent,
} from './content.ts'
import type { MessageHandle } from './handle.ts'
import { matchingMethods, type Passage } from './matching.ts'
import { REPLACED, replaceRaw } from './messagebody.ts'
import { freshBoundary } from './messagemime.ts'

export const MATCH_METHODS = [
  ...matchingMethods<MessageHandle>({
    name: 'msg:raw',
    tier: 1,
    what: 'the whole message as it stands',
    assertOpen: assertBodyOpen,
    passages: (msg) => [
      { text: fromBytes(rawOf(msg)), isLast: true, put: (text) => replaceRaw(msg, text) },
    ],
  }),
  ...matchingMethods<MessageHandle>({
    name: 'msg:body',
    tier: 1,
    what: 'the body as it stands, still encoded',
    assertOpen: assertBodyOpen,
    passages: (msg) => [
      {
        text: fromBytes(contentOf(msg).body),
        isLast: true,
        put(text) {
          const { fields, separator } = contentOf(msg)
          replaceContent(msg, { fields, separator, body: toBytes(text) }, REPLACED)
        },
      },
    ],
  }),
  ...matchingMethods<MessageHandle>({
    name: 'msg:text',
    tier: 1,
    what: 'the text parts as UTF-8, each on its own',
    assertOpen: assertBodyOpen,
    passages: textPassages,
  }),
]

/** Parts are found again to be changed: the tree that is read is another than the one that is edited. */
function textPassages(msg: MessageHandle): readonly Passage[] {
  return textParts(readingTree(msg).root).flatMap((node, index): Passage[] => {
    const before = textOf(node)
    if (before === undefined) return []
    const isLast = node.parent === undefined
    const put = (after: string): void => {
      const tree = editingTree(msg)
      const part = textParts(tree.root)[index]
      if (!part) return
      changeText(part, before, after, freshBoundary(msg, [tree.root]))
      noteEdit(msg, tree)
    }
    return [{ text: before, isLast, put }]
  })
}
