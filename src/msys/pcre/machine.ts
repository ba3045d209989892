// The state of a match: registers, and a stack of its own of what to do when something fails, so that
// neither a long subject nor a hostile pattern can exhaust JavaScript's. All work is counted: `spend`
// is told of it and may throw.
import type { Program } from './program.ts'

/** Called when `steps` have been used; a step is an alternative tried or 16 octets looked at. */
export type Spend = (steps: number) => void

/** A match that would take more memory or nesting than a pattern may. */
export class MatchLimitError extends Error {
  override name = 'MatchLimitError'
}

const REFILL = 4096
/** For one match, and for each octet of the subject: some hundredths of a second, or linear time. */
const MOST_STEPS = 500_000
const MOST_STEPS_PER_OCTET = 20
/** Entries are three numbers: 48 MB in all. */
const LONGEST_STACK = 3 * 2 ** 22

/** What an entry of the stack asks for when what came after it has failed. */
export const ALTERNATIVE = 0 // position, 0, place
export const RESTORE = 1 // register, value
export const GIVE_BACK = 2 // lowest position, position, place of the RUN
export const TAKE_MORE = 3 // position, how many more, place of the RUN_LAZY

let spareStack: Int32Array = new Int32Array(3 * 1024)

export interface Machine {
  readonly program: Program
  readonly subject: string
  /** Captures: pairs of offsets, -1 when unset; [0] and [1] are the match. */
  readonly registers: Int32Array
  readonly spend: Spend
  stack: Int32Array
  top: number
  /** Steps until the next are told. */
  left: number
  /** Steps that were told. */
  steps: number
  depth: number
  /** The group that is recursed into; 0 for the whole pattern, -1 for none. */
  recursing: number
  /** Where the search began, for \G. */
  from: number
  /** The match may not be empty. */
  notEmpty: boolean
}

export function createMachine(program: Program, subject: string, spend: Spend): Machine {
  const registers = new Int32Array(program.registers).fill(-1)
  const counters = {
    top: 0,
    left: REFILL,
    steps: 0,
    depth: 0,
    recursing: -1,
    from: 0,
    notEmpty: false,
  }
  return { program, subject, registers, spend, stack: spareStack, ...counters }
}

/** Counts steps. */
export function charge(machine: Machine, steps: number): void {
  machine.left -= steps
  if (machine.left > 0) return
  const used = REFILL - machine.left
  machine.left = REFILL
  machine.steps += used
  const most = MOST_STEPS + MOST_STEPS_PER_OCTET * machine.subject.length
  if (machine.steps > most) throw new MatchLimitError('match limit exceeded')
  machine.spend(used)
}

export function push(machine: Machine, a: number, b: number, c: number): void {
  const { top } = machine
  if (top + 3 > machine.stack.length) grow(machine)
  const { stack } = machine
  stack[top] = a
  stack[top + 1] = b
  stack[top + 2] = c
  machine.top = top + 3
}

function grow(machine: Machine): void {
  const { stack } = machine
  if (stack.length >= LONGEST_STACK) throw new MatchLimitError('backtracking stack limit exceeded')
  machine.stack = new Int32Array(stack.length * 2)
  machine.stack.set(stack)
  // Kept for the next match unless it is large.
  if (machine.stack.length < 2 ** 18) spareStack = machine.stack
}

export function setRegister(machine: Machine, register: number, value: number): void {
  const { registers } = machine
  push(machine, register, registers[register]!, RESTORE)
  registers[register] = value
}

/** Undoes everything above `base`. */
export function unwind(machine: Machine, base: number): void {
  const { stack, registers } = machine
  let { top } = machine
  charge(machine, (top - base) >> 4)
  while (top > base) {
    top -= 3
    if ((stack[top + 2]! & 3) === RESTORE) registers[stack[top]!] = stack[top + 1]!
  }
  machine.top = base
}

/** Forgets the alternatives above `base`, but not what the registers were. */
export function commit(machine: Machine, base: number): void {
  const { stack, top } = machine
  charge(machine, (top - base) >> 4)
  let to = base
  for (let at = base; at < top; at += 3) {
    if ((stack[at + 2]! & 3) !== RESTORE) continue
    stack[to] = stack[at]!
    stack[to + 1] = stack[at + 1]!
    stack[to + 2] = RESTORE
    to += 3
  }
  machine.top = to
}
