// Finding the first match of a program in a subject.
import { NEWLINE } from './charset.ts'
import { charge, createMachine, type Machine, type Spend } from './machine.ts'
import type { Program } from './program.ts'
import { widthOf } from './reader.ts'
import { matchAt } from './run.ts'

/** Pairs of offsets for the match and each group, -1 when a group is not set. */
export type Captures = Int32Array

export interface SearchOptions {
  /** Where to begin; what stands before it is seen by lookbehind, `^` and `\b`. */
  readonly from: number
  /** Only at `from`, and not an empty match. */
  readonly isRetry: boolean
}

export function search(
  program: Program,
  subject: string,
  { from, isRetry }: SearchOptions,
  spend: Spend,
): Captures | undefined {
  const { start } = program
  const machine = createMachine(program, subject, spend)
  machine.from = from
  machine.notEmpty = isRetry
  const last = lastStart(machine, from)
  const isFixed = isRetry || start.isAnchored
  let at = from
  while (at <= last) {
    if (!isFixed) at = nextStart(machine, at)
    if (at < 0 || at > last) break
    if (matchAt(machine, at)) return machine.registers.subarray(0, 2 * (program.groups + 1))
    if (isFixed || at >= subject.length) break
    at += program.utf ? widthOf(subject.charCodeAt(at)) : 1
    if (start.byLine) at = nextLine(machine, at)
  }
  return undefined
}

/** The last place where a match can begin, by what it must contain; -1 when there is none. */
function lastStart(machine: Machine, from: number): number {
  const { subject, program } = machine
  let at = from
  for (const text of program.start.required) {
    const found = subject.indexOf(text, at)
    charge(machine, ((found < 0 ? subject.length : found) - at) >> 6)
    if (found < 0) return -1
    at = found + text.length
  }
  const last = program.start.required.at(-1)
  return last === undefined ? subject.length : subject.lastIndexOf(last)
}

/** The next place where a match can begin; -1 when there is none. */
function nextStart(machine: Machine, at: number): number {
  const { subject, program } = machine
  const { prefix, first } = program.start
  let next = at
  if (prefix !== '') {
    next = subject.indexOf(prefix, at)
  } else if (first !== undefined) {
    const { length } = subject
    while (next < length && first[subject.charCodeAt(next)] === 0) next++
    if (next === length) next = -1
  }
  charge(machine, 1 + (((next < 0 ? subject.length : next) - at) >> 4))
  return next
}

/** The beginning of the line at or after `at`; beyond the subject when there is none. */
function nextLine({ subject }: Machine, at: number): number {
  if (subject.charCodeAt(at - 1) === NEWLINE) return at
  const newline = subject.indexOf('\n', at)
  return newline < 0 ? subject.length + 1 : newline + 1
}
