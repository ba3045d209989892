// What the machine runs: numbers that stand for instructions, and the tables that they point into.
import type { CharSet } from './charset.ts'
import type { Start } from './start.ts'

/**
 * Instructions with their operands. A place is an index into the code. What follows ATOMIC, LOOK and
 * LOOK_IF up to their RETURN is run on its own.
 */
export const Op = {
  /** The whole pattern matched. */
  END: 0,
  /** octet */
  OCTET: 1,
  /** index into `strings` */
  STRING: 2,
  /** index into `sets` */
  SET: 3,
  ANY_OCTET: 4,
  /** place */
  JUMP: 5,
  /** place: tried when what follows fails */
  SPLIT: 6,
  /** place: tried first, what follows when it fails */
  SPLIT_LAZY: 7,
  /** group */
  OPEN: 8,
  /** group */
  CLOSE: 9,
  /** register: keeps where it is */
  MARK: 10,
  /** register, place: goes there when nothing was matched since MARK */
  LEAVE_EMPTY: 11,
  /** register: a counter becomes zero */
  ZERO: 12,
  /** register, min, max, isLazy, place after the loop; INCREMENT follows */
  COUNT: 13,
  /** register */
  INCREMENT: 14,
  /** index into `sets`, min, max, octet that must follow or -1 */
  RUN: 15,
  RUN_LAZY: 16,
  RUN_POSSESSIVE: 17,
  /** place after it */
  ATOMIC: 18,
  /** place after it, isNegative */
  LOOK: 19,
  /** characters to go back */
  BACK: 20,
  /** index into `groupLists`, fold */
  REFERENCE: 21,
  /** place, group */
  RECURSE: 22,
  /** index into `groupLists`, place when none of them is set */
  IF_SET: 23,
  /** group or -1 for any, place when not within its recursion */
  IF_RECURSING: 24,
  /** place after it, isNegative, place when it is not so */
  LOOK_IF: 25,
  /** index into ASSERTIONS */
  ASSERT: 26,
  KEEP: 27,
  FAIL: 28,
  RETURN: 29,
} as const

export interface Program {
  readonly code: Int32Array
  readonly strings: readonly string[]
  /** 256 entries for each set. */
  readonly narrow: Uint8Array
  readonly wide: readonly CharSet['wide'][]
  readonly groupLists: readonly (readonly number[])[]
  readonly groups: number
  readonly names: ReadonlyMap<string, readonly number[]>
  /** Captures, then where open groups begin, then marks and counters. */
  readonly registers: number
  /** Whether a character is a UTF-8 sequence or an octet. */
  readonly utf: boolean
  readonly start: Start
}

/** No upper limit. */
export const UNLIMITED = 0x7fffffff
