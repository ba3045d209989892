// What patterns are matched against in a part: its octets, its content, its text as UTF-8.
import { fromBytes, toBytes } from '../mail/bytes.ts'
import { canonicalLines } from '../mime/line.ts'
import { renderBody, renderPart } from '../mime/tree.ts'
import { setContent, setPart } from '../mime/treeedit.ts'
import { changeText, textOf } from '../mime/treetext.ts'
import type { PartHandle } from './handle.ts'
import { matchingMethods } from './matching.ts'
import { assertPartOpen, changePart } from './partedit.ts'

export const PART_MATCH_METHODS = [
  ...matchingMethods<PartHandle>({
    name: 'msgpart:raw',
    tier: 2,
    what: 'the header and body of the part as they stand',
    assertOpen: assertPartOpen,
    passages: (self) => [
      {
        text: fromBytes(renderPart(self.node)),
        isLast: isTop(self),
        put: (text) => changePart(self, (fresh) => setPart(self.node, lines(text), fresh)),
      },
    ],
  }),
  ...matchingMethods<PartHandle>({
    name: 'msgpart:body',
    tier: 2,
    what: 'the body of the part as it stands, still encoded',
    assertOpen: assertPartOpen,
    passages: (self) => [
      {
        text: fromBytes(renderBody(self.node)),
        isLast: isTop(self),
        put: (text) => changePart(self, (fresh) => setContent(self.node, lines(text), fresh)),
      },
    ],
  }),
  ...matchingMethods<PartHandle>({
    name: 'msgpart:text',
    tier: 1,
    what: 'the text of the part as UTF-8',
    assertOpen: assertPartOpen,
    passages(self) {
      const before = textOf(self.node)
      if (before === undefined) return []
      const put = (after: string): void =>
        changePart(self, (fresh) => changeText(self.node, before, after, fresh))
      return [{ text: before, isLast: isTop(self), put }]
    },
  }),
]

function isTop({ node, tree }: PartHandle): boolean {
  return node === tree.root
}

function lines(text: string): Buffer {
  return canonicalLines(toBytes(text))
}
