// How long what a node matches is: a lookbehind must know how far to go back, a loop whether a round
// can match nothing.
import type { Node } from './node.ts'

/** Characters of every match; undefined when they differ or cannot be told. */
export function fixedWidth(node: Node, utf: boolean): number | undefined {
  switch (node.kind) {
    case 'literal':
      return utf ? Buffer.from(node.text, 'latin1').toString('utf8').length : node.text.length
    case 'set':
      return 1
    case 'octet':
      return utf ? undefined : 1
    case 'group':
    case 'atomic':
      return fixedWidth(node.item, utf)
    case 'sequence':
      return sum(node.items.map((item) => fixedWidth(item, utf)))
    case 'choice':
      return same(node.items.map((item) => fixedWidth(item, utf)))
    case 'condition':
      return node.test.kind === 'never'
        ? 0
        : same([fixedWidth(node.yes, utf), fixedWidth(node.no, utf)])
    case 'repeat': {
      const width = fixedWidth(node.item, utf)
      return node.min === node.max && width !== undefined ? width * node.min : undefined
    }
    case 'backreference':
    case 'recursion':
      return undefined
    default:
      return 0
  }
}

/** Whether it can match the empty string; true when that cannot be told. */
export function canBeEmpty(node: Node): boolean {
  switch (node.kind) {
    case 'literal':
    case 'set':
    case 'octet':
    case 'fail':
      return false
    case 'group':
    case 'atomic':
      return canBeEmpty(node.item)
    case 'sequence':
      return node.items.every(canBeEmpty)
    case 'choice':
      return node.items.some(canBeEmpty)
    case 'repeat':
      return node.min === 0 || canBeEmpty(node.item)
    default:
      return true
  }
}

function sum(widths: readonly (number | undefined)[]): number | undefined {
  let total = 0
  for (const width of widths) {
    if (width === undefined) return undefined
    total += width
  }
  return total
}

function same(widths: readonly (number | undefined)[]): number | undefined {
  return widths.every((width) => width === widths[0]) ? widths[0] : undefined
}
