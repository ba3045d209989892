// Repetition: of one character as a run, which the machine does in one instruction, of anything else
// as a loop.
import { type CharSet, NEWLINE, octetSet, setOf } from './charset.ts'
import { type Draft, setIndex } from './draft.ts'
import type { Node } from './node.ts'
import { Op, UNLIMITED } from './program.ts'
import { charAt } from './reader.ts'
import { canBeEmpty } from './width.ts'

export type Repeat = Extract<Node, { kind: 'repeat' }>

/** The set of a node that is always one character. */
export function singleSet(node: Node, utf: boolean): CharSet | undefined {
  if (node.kind === 'set') return node.set
  if (node.kind !== 'literal') return undefined
  const { text } = node
  if (text.length === 1) return octetSet(text.charCodeAt(0))
  const char = charAt(text, 0)
  return utf
    ? setOf(
        () => false,
        (other) => other === char,
      )
    : undefined
}

export function emitRun(draft: Draft, node: Repeat, set: CharSet, next: Node | undefined): void {
  const { min, max, mode } = node
  const isSettled = mode === 'possessive' || (next !== undefined && excludes(set, next, draft.utf))
  const op = isSettled ? Op.RUN_POSSESSIVE : mode === 'lazy' ? Op.RUN_LAZY : Op.RUN
  const follower = next?.kind === 'literal' ? next.text.charCodeAt(0) : -1
  // In UTF-8 an octet above 127 may be the middle of a character.
  const octet = draft.utf && follower > 127 ? -1 : follower
  draft.code.push(op, setIndex(draft, set), min, Math.min(max, UNLIMITED), octet)
}

/** Whether what follows never matches where one more of the set would: giving back is then useless. */
function excludes({ narrow, wide }: CharSet, next: Node, utf: boolean): boolean {
  if (next.kind === 'assertion') {
    if (next.assertion === 'end') return true
    return ['last-line-end', 'line-end'].includes(next.assertion) && narrow[NEWLINE] === 0
  }
  const other = singleSet(next, utf)
  if (other === undefined || (wide !== undefined && other.wide !== undefined)) return false
  return narrow.every(
    (member, char) => member === 0 || (utf && char > 127) || other.narrow[char] === 0,
  )
}

export function emitLoop(draft: Draft, { item, min, max, mode }: Repeat, body: () => void): void {
  const { code } = draft
  const isLazy = mode === 'lazy'
  const exits: number[] = []
  const emitRound = (): void => {
    const mark = max > 1 && canBeEmpty(item) ? draft.registers++ : -1
    if (mark >= 0) code.push(Op.MARK, mark)
    body()
    if (mark >= 0) exits.push(code.push(Op.LEAVE_EMPTY, mark, 0) - 1)
  }
  const start = code.length
  if (min === 0 && (max === 1 || max === Infinity)) {
    exits.push(code.push(isLazy ? Op.SPLIT_LAZY : Op.SPLIT, 0) - 1)
    emitRound()
    if (max > 1) code.push(Op.JUMP, start)
  } else if (min === 1 && max === Infinity) {
    emitRound()
    code.push(isLazy ? Op.SPLIT : Op.SPLIT_LAZY, start)
  } else {
    const counter = draft.registers++
    code.push(Op.ZERO, counter)
    const loop = code.length
    code.push(Op.COUNT, counter, min, Math.min(max, UNLIMITED), Number(isLazy))
    exits.push(code.push(0) - 1)
    code.push(Op.INCREMENT, counter)
    emitRound()
    code.push(Op.JUMP, loop)
  }
  for (const exit of exits) code[exit] = code.length
}
