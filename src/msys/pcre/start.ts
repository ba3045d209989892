// What a match needs to begin with, so that the search can skip what cannot be one.
import { NOT_NEWLINE } from './charset.ts'
import type { Node } from './node.ts'

export interface Start {
  /** Only at the beginning of the subject. */
  readonly isAnchored: boolean
  /** Where a try failed, none succeeds before the next line: the pattern begins with `.*`. */
  readonly byLine: boolean
  /** What a match begins with. */
  readonly prefix: string
  /** The octets that a match can begin with; undefined when it can be empty. */
  readonly first: Uint8Array | undefined
  /** What every match contains, in this order. */
  readonly required: readonly string[]
}

export function startOf(root: Node, utf: boolean): Start {
  const items = leading(root)
  const head = items[0]
  const literals = literalRuns(items)
  const first = firstOctets(root, utf)
  return {
    isAnchored: head?.kind === 'assertion' && head.assertion === 'start',
    byLine:
      head?.kind === 'repeat' &&
      head.mode !== 'possessive' &&
      head.max === Infinity &&
      head.item.kind === 'set' &&
      head.item.set === NOT_NEWLINE,
    prefix: head?.kind === 'literal' ? (literals[0] ?? '') : '',
    first: first.canBeEmpty ? undefined : first.octets,
    required: literals,
  }
}

/** The items that every match passes through, in order; groups are opened. */
function leading(node: Node): readonly Node[] {
  if (node.kind === 'sequence') return node.items.flatMap(leading)
  if (node.kind === 'group' || node.kind === 'atomic')
    return [BORDER, ...leading(node.item), BORDER]
  return [node]
}

// Keeps `(.*)` from counting as a leading `.*`, whose captures may matter; literals pass it.
const BORDER: Node = { kind: 'empty' }

function literalRuns(items: readonly Node[]): string[] {
  const runs: string[] = []
  let isOpen = false
  for (const item of items) {
    if (item === BORDER) continue
    if (item.kind === 'literal') {
      if (isOpen) runs.push((runs.pop() ?? '') + item.text)
      else runs.push(item.text)
    }
    isOpen = item.kind === 'literal'
  }
  return runs
}

interface First {
  readonly octets: Uint8Array
  readonly canBeEmpty: boolean
}

const NOTHING: First = { octets: new Uint8Array(256), canBeEmpty: true }
const ANYTHING: First = { octets: new Uint8Array(256).fill(1), canBeEmpty: true }

function firstOctets(node: Node, utf: boolean): First {
  switch (node.kind) {
    case 'literal': {
      const octets = new Uint8Array(256)
      octets[node.text.charCodeAt(0)] = 1
      return { octets, canBeEmpty: false }
    }
    case 'set': {
      const { narrow, wide } = node.set
      const octets = utf
        ? narrow.map((member, i) => (i < 128 ? member : Number(wide !== undefined || member)))
        : narrow
      return { octets, canBeEmpty: false }
    }
    case 'octet':
      return { ...ANYTHING, canBeEmpty: false }
    case 'group':
    case 'atomic':
      return firstOctets(node.item, utf)
    case 'sequence':
      return firstOfSequence(node.items, utf)
    case 'choice':
      return either(node.items.map((item) => firstOctets(item, utf)))
    case 'repeat': {
      if (node.max === 0) return NOTHING
      const first = firstOctets(node.item, utf)
      return node.min === 0 ? { ...first, canBeEmpty: true } : first
    }
    case 'look':
    case 'assertion':
    case 'keep':
    case 'empty':
      return NOTHING
    case 'fail':
      return { ...NOTHING, canBeEmpty: false }
    default:
      return ANYTHING
  }
}

function firstOfSequence(items: readonly Node[], utf: boolean): First {
  const seen: First[] = []
  for (const item of items) {
    const first = firstOctets(item, utf)
    seen.push(first)
    if (!first.canBeEmpty) return { ...either(seen), canBeEmpty: false }
  }
  return either(seen)
}

function either(firsts: readonly First[]): First {
  const octets = new Uint8Array(256)
  for (const first of firsts) {
    for (let i = 0; i < 256; i++) if (first.octets[i] === 1) octets[i] = 1
  }
  return { octets, canBeEmpty: firsts.some((first) => first.canBeEmpty) || firsts.length === 0 }
}
