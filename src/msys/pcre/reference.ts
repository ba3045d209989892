// References to groups by number or name: `\1`, `\g{-1}`, `\k<name>`, `(?P=name)`, `(?1)`, `(?&name)`.
import { type Node } from './node.ts'
import { fail, type Reader, takeMatch } from './reader.ts'

/** What a number or name in the pattern refers to, known when all groups are. */
type Target = number | string

/** A back reference: to a group by number, or what follows `\g` or `\k`. */
export function readReference(reader: Reader, what: number | string): Node {
  if (typeof what === 'number') return backreference(reader, what)
  if (what === 'g') {
    const call = takeMatch(reader, /<([^>]*)>|'([^']*)'/y)
    if (call !== undefined) return recursion(reader, targetOf(reader, call[1] ?? call[2] ?? ''))
    const match = takeMatch(reader, /\{([^}]*)\}|([+-]?[0-9]+)/y)
    if (match === undefined) {
      return fail(reader, 'a numbered reference must not be zero')
    }
    const target = targetOf(reader, match[1] ?? match[2] ?? '')
    if (target === 0) fail(reader, 'a numbered reference must not be zero')
    return backreference(reader, target)
  }
  const match = takeMatch(reader, /\{([^}]*)\}|<([^>]*)>|'([^']*)'/y)
  if (match === undefined) {
    return fail(reader, '\\k is not followed by a braced, angle-bracketed, or quoted name')
  }
  return backreference(reader, nameIn(reader, match[1] ?? match[2] ?? match[3] ?? ''))
}

export function backreference(reader: Reader, target: Target): Node {
  const groups: number[] = []
  const offset = typeof target === 'number' ? reader.text.length : reader.at
  const node: Node = { kind: 'backreference', groups, fold: reader.flags.i }
  reader.later.push(() => groups.push(...groupsOf(reader, target, offset)))
  return node
}

export function recursion(reader: Reader, target: Target): Node {
  const node = { kind: 'recursion' as const, group: 0 }
  const offset = reader.at - 1
  reader.later.push(() => {
    node.group = target === 0 ? 0 : (groupsOf(reader, target, offset)[0] ?? 0)
  })
  return node
}

/** The groups that a target names; raises when there is none. */
export function groupsOf(reader: Reader, target: Target, offset: number): readonly number[] {
  const groups = typeof target === 'string' ? reader.names.get(target) : [target]
  const known = groups?.filter((group) => group <= reader.groups) ?? []
  return known.length > 0 ? known : fail(reader, 'reference to non-existent subpattern', offset)
}

/** A number, with a sign relative to the groups opened so far, or a name. */
export function targetOf(reader: Reader, text: string): Target {
  if (!/^[+-]?[0-9]+$/.test(text)) return nameIn(reader, text)
  const number = Number(text)
  if (text.startsWith('-')) {
    const group = reader.groups + number + 1
    return group > 0 ? group : fail(reader, 'reference to non-existent subpattern')
  }
  return text.startsWith('+') ? reader.groups + number : number
}

/** A group's name as it must be written. */
export function nameIn(reader: Reader, text: string): string {
  if (text === '') fail(reader, 'subpattern name expected')
  if (/^[0-9]/.test(text)) fail(reader, 'subpattern name must start with a non-digit')
  if (!/^\w+$/.test(text)) fail(reader, 'syntax error in subpattern name (missing terminator)')
  return text.length <= 32
    ? text
    : fail(reader, 'subpattern name is too long (maximum 32 characters)')
}
