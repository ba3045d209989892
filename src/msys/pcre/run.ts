// The matcher: runs a program at a place of the subject. The numbers of the cases are those of `Op`.
import { holds } from './assertion.ts'
import {
  ALTERNATIVE,
  charge,
  commit,
  GIVE_BACK,
  type Machine,
  MatchLimitError,
  push,
  RESTORE,
  TAKE_MORE,
  setRegister,
  unwind,
} from './machine.ts'
import { after, before, endOfReference, endOfRun, takeBack, takeMore } from './step.ts'

/** How deep recursion and assertions may nest. */
const DEEPEST = 400

/** Tries to match at one place; the captures are in the registers. */
export function matchAt(machine: Machine, start: number): boolean {
  machine.top = 0
  machine.registers[0] = start
  const end = run(machine, 0, start)
  machine.registers[1] = end
  machine.top = 0
  return end >= 0
}

/** Runs from a place in the code until END or RETURN: where the match ends, or -1 with all undone. */
// oxlint-disable-next-line max-lines-per-function -- one loop over all instructions, as an interpreter is
function run(machine: Machine, entry: number, start: number): number {
  const { program, subject, registers } = machine
  const { code, strings } = program
  const base = machine.top
  const captures = 2 * (program.groups + 1)
  let at = entry
  let pos = start
  for (;;) {
    switch (code[at]) {
      case 0: // END
        if (!machine.notEmpty || pos !== registers[0]) return pos
        break
      case 1: // OCTET
        if (subject.charCodeAt(pos) !== code[at + 1]) break
        pos++
        at += 2
        continue
      case 2: {
        // STRING
        const text = strings[code[at + 1]!]!
        if (!subject.startsWith(text, pos)) break
        pos += text.length
        at += 2
        continue
      }
      case 3: {
        // SET
        const next = after(machine, code[at + 1]!, pos)
        if (next < 0) break
        pos = next
        at += 2
        continue
      }
      case 4: // ANY_OCTET
        if (pos >= subject.length) break
        pos++
        at++
        continue
      case 5: // JUMP
        at = code[at + 1]!
        charge(machine, 1)
        continue
      case 6: // SPLIT
        push(machine, pos, 0, (code[at + 1]! << 2) | ALTERNATIVE)
        at += 2
        continue
      case 7: // SPLIT_LAZY
        push(machine, pos, 0, ((at + 2) << 2) | ALTERNATIVE)
        at = code[at + 1]!
        charge(machine, 1)
        continue
      case 8: // OPEN
        setRegister(machine, captures + code[at + 1]!, pos)
        at += 2
        continue
      case 9: {
        // CLOSE
        const group = code[at + 1]!
        setRegister(machine, 2 * group, registers[captures + group]!)
        setRegister(machine, 2 * group + 1, pos)
        at += 2
        continue
      }
      case 10: // MARK
        setRegister(machine, code[at + 1]!, pos)
        at += 2
        continue
      case 11: // LEAVE_EMPTY
        at = registers[code[at + 1]!] === pos ? code[at + 2]! : at + 3
        continue
      case 12: // ZERO
        setRegister(machine, code[at + 1]!, 0)
        at += 2
        continue
      case 13: {
        // COUNT
        const count = registers[code[at + 1]!]!
        const exit = code[at + 5]!
        if (count < code[at + 2]!) at += 6
        else if (count >= code[at + 3]!) at = exit
        else if (code[at + 4] === 1) {
          push(machine, pos, 0, ((at + 6) << 2) | ALTERNATIVE)
          at = exit
        } else {
          push(machine, pos, 0, (exit << 2) | ALTERNATIVE)
          at += 6
        }
        continue
      }
      case 14: // INCREMENT
        setRegister(machine, code[at + 1]!, registers[code[at + 1]!]! + 1)
        at += 2
        continue
      case 15: // RUN
      case 17: {
        // RUN_POSSESSIVE
        const low =
          code[at + 2] === 0 ? pos : endOfRun(machine, code[at + 1]!, pos, code[at + 2]!, true)
        if (low < 0) break
        const end = endOfRun(machine, code[at + 1]!, low, code[at + 3]! - code[at + 2]!, false)
        if (code[at] === 15 && end > low) {
          push(machine, low, end, (at << 2) | GIVE_BACK)
          // The entry itself finds the longest end that what follows can begin at.
          if (code[at + 4]! >= 0 && subject.charCodeAt(end) !== code[at + 4]) break
        }
        pos = end
        at += 5
        continue
      }
      case 16: {
        // RUN_LAZY
        const low =
          code[at + 2] === 0 ? pos : endOfRun(machine, code[at + 1]!, pos, code[at + 2]!, true)
        if (low < 0) break
        push(machine, low, code[at + 3]! - code[at + 2]!, (at << 2) | TAKE_MORE)
        pos = low
        at += 5
        continue
      }
      case 18: {
        // ATOMIC
        const end = nested(machine, at + 2, pos)
        if (end < 0) break
        pos = end
        at = code[at + 1]!
        continue
      }
      case 19: // LOOK
        if (!looks(machine, at + 3, pos, code[at + 2] === 1)) break
        at = code[at + 1]!
        continue
      case 20: {
        // BACK
        const place = before(machine, pos, code[at + 1]!)
        if (place < 0) break
        pos = place
        at += 2
        continue
      }
      case 21: {
        // REFERENCE
        const end = endOfReference(machine, code[at + 1]!, code[at + 2] === 1, pos)
        if (end < 0) break
        pos = end
        at += 3
        continue
      }
      case 22: {
        // RECURSE
        const end = recurse(machine, code[at + 1]!, code[at + 2]!, pos)
        if (end < 0) break
        pos = end
        at += 3
        continue
      }
      case 23: {
        // IF_SET
        const isSet = program.groupLists[code[at + 1]!]!.some(
          (group) => registers[2 * group + 1]! >= 0,
        )
        at = isSet ? at + 3 : code[at + 2]!
        continue
      }
      case 24: {
        // IF_RECURSING
        const group = code[at + 1]!
        const isIn = machine.recursing >= 0 && (group < 0 || group === machine.recursing)
        at = isIn ? at + 3 : code[at + 2]!
        continue
      }
      case 25: // LOOK_IF
        at = looks(machine, at + 4, pos, code[at + 2] === 1) ? code[at + 1]! : code[at + 3]!
        continue
      case 26: // ASSERT
        if (!holds(machine, code[at + 1]!, pos)) break
        at += 2
        continue
      case 27: // KEEP
        setRegister(machine, 0, pos)
        at++
        continue
      case 29: // RETURN
        return pos
      default: // FAIL
        break
    }
    // What was tried last has failed: the youngest alternative is next.
    charge(machine, 1)
    for (;;) {
      if (machine.top === base) return -1
      const top = (machine.top -= 3)
      const { stack } = machine
      const entry = stack[top + 2]!
      const kind = entry & 3
      if (kind === RESTORE) {
        registers[stack[top]!] = stack[top + 1]!
      } else if (kind === ALTERNATIVE) {
        pos = stack[top]!
        at = entry >> 2
        break
      } else {
        const place =
          kind === GIVE_BACK ? takeBack(machine, entry >> 2) : takeMore(machine, entry >> 2)
        if (place < 0) continue
        pos = place
        at = (entry >> 2) + 5
        break
      }
    }
  }
}

/** Runs something on its own; its alternatives are forgotten when it has matched. */
function nested(machine: Machine, at: number, pos: number): number {
  const base = machine.top
  if (++machine.depth > DEEPEST) throw new MatchLimitError('recursion limit exceeded')
  const end = run(machine, at, pos)
  machine.depth--
  if (end >= 0) commit(machine, base)
  return end
}

/** Whether an assertion holds; what a positive one captured is kept. */
function looks(machine: Machine, at: number, pos: number, isNegative: boolean): boolean {
  const base = machine.top
  const isFound = nested(machine, at, pos) >= 0
  if (isFound && isNegative) unwind(machine, base)
  return isFound !== isNegative
}

/** A recursion is atomic, and what it captures is forgotten. */
function recurse(machine: Machine, at: number, group: number, pos: number): number {
  const { registers, recursing } = machine
  const saved = registers.slice()
  const base = machine.top
  machine.recursing = group
  charge(machine, saved.length >> 2)
  const end = nested(machine, at, pos)
  machine.recursing = recursing
  if (end >= 0) {
    machine.top = base
    registers.set(saved)
  }
  return end
}
