// A pattern as a tree, as the parser makes it.
import type { CharSet } from './charset.ts'

export type Mode = 'greedy' | 'lazy' | 'possessive'

/** In the order in which the machine numbers them. */
export const ASSERTIONS = [
  'start', // \A, and ^ without (?m)
  'line-start', // ^ with (?m)
  'end', // \z
  'last-line-end', // \Z, and $ without (?m)
  'line-end', // $ with (?m)
  'from', // \G
  'word-edge', // \b
  'no-word-edge', // \B
] as const

export type Assertion = (typeof ASSERTIONS)[number]

export type Condition =
  | { readonly kind: 'group'; readonly groups: readonly number[] }
  /** Inside a recursion: into any group, or into this one. */
  | { readonly kind: 'recursing'; readonly group: number | undefined }
  /** `(?(DEFINE)…)`: never true. */
  | { readonly kind: 'never' }
  | { readonly kind: 'look'; readonly look: Look }

export interface Look {
  readonly kind: 'look'
  readonly behind: boolean
  readonly negative: boolean
  readonly item: Node
  /** Where the group ends in the pattern, for errors. */
  readonly offset: number
}

export type Node =
  | { readonly kind: 'empty' }
  /** One character; `text` is its octets. */
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'set'; readonly set: CharSet }
  /** `\C`: one octet. */
  | { readonly kind: 'octet' }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly items: readonly Node[] }
  | {
      readonly kind: 'repeat'
      readonly item: Node
      readonly min: number
      /** Infinity without an upper limit. */
      readonly max: number
      readonly mode: Mode
    }
  | { readonly kind: 'group'; readonly group: number; readonly item: Node }
  | { readonly kind: 'atomic'; readonly item: Node }
  | Look
  | { readonly kind: 'backreference'; readonly groups: readonly number[]; readonly fold: boolean }
  | { readonly kind: 'recursion'; readonly group: number }
  | { readonly kind: 'condition'; readonly test: Condition; readonly yes: Node; readonly no: Node }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  /** `\K`: the match begins here. */
  | { readonly kind: 'keep' }
  | { readonly kind: 'fail' }

/** A pattern that cannot be compiled: PCRE's words and the offset (octets) where it gave up. */
export class PatternError extends Error {
  override name = 'PatternError'
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}
