// A program in the making.
import type { CharSet } from './charset.ts'
import { PatternError } from './node.ts'

export interface Draft {
  readonly code: number[]
  readonly strings: string[]
  readonly sets: CharSet[]
  readonly groupLists: (readonly number[])[]
  readonly utf: boolean
  registers: number
  /** Where the code calls groups, by group. */
  readonly calls: Map<number, number[]>
}

/** The index of a set in the table. */
export function setIndex({ sets }: Draft, set: CharSet): number {
  const known = sets.indexOf(set)
  if (known >= 0) return known
  if (sets.length === MOST_SETS) throw new PatternError('regular expression is too large', 0)
  return sets.push(set) - 1
}

const MOST_SETS = 2000
