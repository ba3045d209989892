// Trees to programs. A group that is called by recursion is compiled a second time as a routine.
import { type Draft, setIndex } from './draft.ts'
import { ASSERTIONS, type Look, type Node, PatternError } from './node.ts'
import { parsePattern } from './parser.ts'
import { Op, type Program } from './program.ts'
import { emitLoop, emitRun, type Repeat, singleSet } from './repeat.ts'
import { startOf } from './start.ts'
import { fixedWidth } from './width.ts'

/** Longest code, so that nested counts cannot make a small pattern a huge program. */
const LONGEST = 200_000

/** Throws PatternError. */
export function compile(text: string, utf: boolean): Program {
  const parsed = parsePattern(text, utf)
  const draft: Draft = {
    code: [],
    strings: [],
    sets: [],
    groupLists: [],
    utf,
    registers: (parsed.groups + 1) * 3,
    calls: new Map(),
  }
  emit(draft, parsed.root)
  draft.code.push(Op.END)
  emitRoutines(draft, parsed.root)
  return {
    code: Int32Array.from(draft.code),
    strings: draft.strings,
    narrow: Buffer.concat(draft.sets.map(({ narrow }) => narrow)),
    wide: draft.sets.map(({ wide }) => wide),
    groupLists: draft.groupLists,
    groups: parsed.groups,
    names: parsed.names,
    registers: draft.registers,
    utf,
    start: startOf(parsed.root, utf),
  }
}

/** Routines may call others: the map of calls grows while it is walked. */
function emitRoutines(draft: Draft, root: Node): void {
  const bodies = groupNodes(root)
  const entries = new Map<number, number>()
  for (const group of draft.calls.keys()) {
    entries.set(group, draft.code.length)
    emit(draft, bodies.get(group) ?? root)
    draft.code.push(Op.RETURN)
  }
  for (const [group, places] of draft.calls) {
    for (const place of places) draft.code[place] = entries.get(group) ?? 0
  }
}

function groupNodes(node: Node, found = new Map<number, Node>()): Map<number, Node> {
  if (node.kind === 'group' && !found.has(node.group)) found.set(node.group, node)
  if ('items' in node) for (const item of node.items) groupNodes(item, found)
  if ('item' in node) groupNodes(node.item, found)
  if (node.kind === 'condition') {
    if (node.test.kind === 'look') groupNodes(node.test.look, found)
    groupNodes(node.yes, found)
    groupNodes(node.no, found)
  }
  return found
}

function emit(draft: Draft, node: Node, next?: Node): void {
  const { code } = draft
  if (code.length > LONGEST) throw new PatternError('regular expression is too large', 0)
  switch (node.kind) {
    case 'empty':
      return
    case 'literal':
      emitText(draft, node.text)
      return
    case 'set':
      code.push(Op.SET, setIndex(draft, node.set))
      return
    case 'octet':
      code.push(Op.ANY_OCTET)
      return
    case 'sequence':
      emitSequence(draft, node.items, next)
      return
    case 'choice':
      emitChoice(draft, node.items)
      return
    case 'repeat':
      emitRepeat(draft, node, next)
      return
    case 'group':
      code.push(Op.OPEN, node.group)
      emit(draft, node.item)
      code.push(Op.CLOSE, node.group)
      return
    case 'atomic':
      emitAtomic(draft, node.item)
      return
    case 'look':
      emitLook(draft, node, [Op.LOOK, 0, Number(node.negative)])
      return
    case 'backreference':
      code.push(Op.REFERENCE, draft.groupLists.push(node.groups) - 1, Number(node.fold))
      return
    case 'recursion': {
      const places = draft.calls.get(node.group) ?? []
      draft.calls.set(node.group, places)
      places.push(code.push(Op.RECURSE, 0, node.group) - 2)
      return
    }
    case 'condition':
      emitCondition(draft, node)
      return
    case 'assertion':
      code.push(Op.ASSERT, ASSERTIONS.indexOf(node.assertion))
      return
    case 'keep':
      code.push(Op.KEEP)
      return
    case 'fail':
      code.push(Op.FAIL)
      return
    default:
      return node satisfies never
  }
}

function emitText({ code, strings }: Draft, text: string): void {
  if (text.length === 1) code.push(Op.OCTET, text.charCodeAt(0))
  else code.push(Op.STRING, strings.push(text) - 1)
}

/** Neighbouring characters become one string. */
function emitSequence(draft: Draft, items: readonly Node[], next: Node | undefined): void {
  let text = ''
  for (const [i, item] of items.entries()) {
    const after = items[i + 1] ?? next
    if (item.kind === 'literal') {
      text += item.text
      if (after?.kind === 'literal' && i + 1 < items.length) continue
      emitText(draft, text)
      text = ''
    } else emit(draft, item, after)
  }
}

function emitChoice(draft: Draft, items: readonly Node[], before?: (item: Node) => void): void {
  const { code } = draft
  const ends: number[] = []
  for (const [i, item] of items.entries()) {
    const isLast = i === items.length - 1
    const split = isLast ? 0 : code.push(Op.SPLIT, 0) - 1
    before?.(item)
    emit(draft, item)
    if (isLast) break
    ends.push(code.push(Op.JUMP, 0) - 1)
    code[split] = code.length
  }
  for (const end of ends) code[end] = code.length
}

function emitAtomic(draft: Draft, item: Node): void {
  const { code } = draft
  const end = code.push(Op.ATOMIC, 0) - 1
  emit(draft, item)
  code.push(Op.RETURN)
  code[end] = code.length
}

/** `head`: the instruction; the place after it is filled in. */
function emitLook(draft: Draft, { behind, item, offset }: Look, head: readonly number[]): void {
  const { code, utf } = draft
  const start = code.length
  code.push(...head)
  if (behind) {
    emitChoice(draft, item.kind === 'choice' ? item.items : [item], (branch) => {
      const width = fixedWidth(branch, utf)
      if (width === undefined) {
        throw new PatternError('lookbehind assertion is not fixed length', offset)
      }
      code.push(Op.BACK, width)
    })
  } else {
    emit(draft, item)
  }
  code.push(Op.RETURN)
  code[start + 1] = code.length
}

function emitCondition(draft: Draft, node: Extract<Node, { kind: 'condition' }>): void {
  const { code } = draft
  const { test } = node
  if (test.kind === 'never') return
  let place: number
  if (test.kind === 'group') {
    place = code.push(Op.IF_SET, draft.groupLists.push(test.groups) - 1, 0) - 1
  } else if (test.kind === 'recursing') {
    place = code.push(Op.IF_RECURSING, test.group ?? -1, 0) - 1
  } else {
    place = code.length + 3
    emitLook(draft, test.look, [Op.LOOK_IF, 0, Number(test.look.negative), 0])
  }
  emit(draft, node.yes)
  const end = code.push(Op.JUMP, 0) - 1
  code[place] = code.length
  emit(draft, node.no)
  code[end] = code.length
}

function emitRepeat(draft: Draft, node: Repeat, next: Node | undefined): void {
  const { item, min, max, mode } = node
  const set = min === max && max < 2 ? undefined : singleSet(item, draft.utf)
  if (max === 0) return
  if (set !== undefined) emitRun(draft, node, set, next)
  else if (mode === 'possessive') emitAtomic(draft, { ...node, mode: 'greedy' })
  else if (min === 1 && max === 1) emit(draft, item)
  else emitLoop(draft, node, () => emit(draft, item))
}
