// Single steps of the matcher through the subject: characters of a set, runs of them, back references.
import { foldCase } from './charset.ts'
import { charge, type Machine } from './machine.ts'
import { charAt, widthOf } from './reader.ts'

/** After the character of a set that stands at `pos`; -1 when another or none does. */
export function after({ program, subject }: Machine, set: number, pos: number): number {
  if (pos >= subject.length) return -1
  const octet = subject.charCodeAt(pos)
  if (octet < 128 || !program.utf) return program.narrow[(set << 8) | octet] === 1 ? pos + 1 : -1
  const isMember = program.wide[set]?.(charAt(subject, pos)) === true
  return isMember ? pos + widthOf(octet) : -1
}

/** Where at most `most` characters of a set end; -1 when there are fewer and `most` are needed. */
export function endOfRun(
  machine: Machine,
  set: number,
  start: number,
  most: number,
  isNeeded: boolean,
): number {
  const { program, subject } = machine
  const { narrow, utf } = program
  const table = set << 8
  const { length } = subject
  let pos = start
  let left = most
  while (left > 0 && pos < length) {
    const octet = subject.charCodeAt(pos)
    if (octet < 128 || !utf) {
      if (narrow[table | octet] === 0) break
      pos++
    } else {
      const next = after(machine, set, pos)
      if (next < 0) break
      pos = next
    }
    left--
  }
  charge(machine, (pos - start) >> 4)
  return isNeeded && left > 0 ? -1 : pos
}

/** The next shorter end of the greedy run on top of the stack; -1 when there is none. */
export function takeBack(machine: Machine, at: number): number {
  const { program, subject, stack, top } = machine
  const low = stack[top]!
  const end = stack[top + 1]!
  const octet = program.code[at + 4]!
  let pos = end
  if (octet < 0) {
    if (pos <= low) return -1
    pos--
    // Not into the middle of a character.
    if (program.utf) while (pos > low && (subject.charCodeAt(pos) & 0xc0) === 0x80) pos--
  } else {
    do if (--pos < low) break
    while (subject.charCodeAt(pos) !== octet)
    charge(machine, (end - pos) >> 4)
    if (pos < low) return -1
  }
  stack[top + 1] = pos
  machine.top = top + 3
  return pos
}

/** The next longer end of the lazy run on top of the stack; -1 when there is none. */
export function takeMore(machine: Machine, at: number): number {
  const { program, subject, stack, top } = machine
  const set = program.code[at + 1]!
  const octet = program.code[at + 4]!
  const start = stack[top]!
  let pos = start
  let left = stack[top + 1]!
  do {
    const next = left-- > 0 ? after(machine, set, pos) : -1
    if (next < 0) {
      charge(machine, (pos - start) >> 4)
      return -1
    }
    pos = next
  } while (octet >= 0 && subject.charCodeAt(pos) !== octet)
  charge(machine, (pos - start) >> 4)
  stack[top] = pos
  stack[top + 1] = left
  machine.top = top + 3
  return pos
}

/** So many characters before `pos`; -1 when there are not as many. */
export function before({ program, subject }: Machine, pos: number, count: number): number {
  if (!program.utf) return pos - count
  let at = pos
  for (let left = count; left > 0; left--) {
    if (at === 0) return -1
    at--
    while (at > 0 && (subject.charCodeAt(at) & 0xc0) === 0x80) at--
  }
  return at
}

/** The end of what the first set group of a list matched, standing at `pos` again; -1 if it does not. */
export function endOfReference(machine: Machine, list: number, fold: boolean, pos: number): number {
  const { program, subject, registers } = machine
  const group = program.groupLists[list]!.find((one) => registers[2 * one + 1]! >= 0)
  if (group === undefined) return -1
  const start = registers[2 * group]!
  const end = registers[2 * group + 1]!
  charge(machine, (end - start) >> (fold ? 2 : 4))
  if (!fold) return subject.startsWith(subject.slice(start, end), pos) ? pos + end - start : -1
  let at = pos
  for (let from = start; from < end; from += widthAt(machine, from)) {
    if (at >= subject.length || !isSame(machine, from, at)) return -1
    at += widthAt(machine, at)
  }
  return at
}

function widthAt({ program, subject }: Machine, pos: number): number {
  return program.utf ? widthOf(subject.charCodeAt(pos)) : 1
}

function isSame({ program, subject }: Machine, a: number, b: number): boolean {
  if (program.utf) return foldCase(charAt(subject, a)) === foldCase(charAt(subject, b))
  const [one, other] = [subject.charCodeAt(a), subject.charCodeAt(b)]
  return one === other || (one < 128 && other < 128 && foldCase(one) === foldCase(other))
}
