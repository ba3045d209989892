// Whether the end of a block can be reached.
import type { Block, Statement } from '../syntax/ast.ts'

/** Whether a block always ends in `return`, an error or an endless loop. */
export function endsAlways(block: Block): boolean {
  return block.some(ends)
}

function ends(node: Statement): boolean {
  switch (node.kind) {
    case 'return':
      return true
    case 'do':
      return endsAlways(node.body)
    case 'if':
      return (
        node.otherwise !== undefined &&
        endsAlways(node.otherwise) &&
        node.branches.every(({ body }) => endsAlways(body))
      )
    case 'while':
      return node.condition.kind === 'true' && !breaks(node.body)
    case 'repeat':
      return endsAlways(node.body)
    case 'expression': {
      const { expression } = node
      const callee = expression.kind === 'call' ? expression.callee : undefined
      return callee?.kind === 'name' && callee.name === 'error'
    }
    case 'local':
    case 'localfunction':
    case 'assign':
    case 'for':
    case 'break':
      return false
    default:
      return node satisfies never
  }
}

function breaks(block: Block): boolean {
  return block.some((node) => {
    if (node.kind === 'break') return true
    if (node.kind === 'do') return breaks(node.body)
    if (node.kind !== 'if') return false
    return breaks(node.otherwise ?? []) || node.branches.some(({ body }) => breaks(body))
  })
}
