// Why each link and the pixel are, or are not, in a copy. A by-product of the transform.
import type { Refusal } from './link.ts'
import type { PartName, PartRefusal } from './survey.ts'

export type LinkOutcome =
  | 'tracked'
  | Refusal
  /** Click tracking is off for this copy. */
  | 'off'
  /** Leads to our own tracker already. */
  | 'already-tracked'

/** The recipient part that a tracked URL carries: `short` lacks metadata and tags. */
export type Form = 'full' | 'short'

export interface LinkExplain {
  readonly part: PartName
  /** Octet of the decoded part. */
  readonly offset: number
  /** Line of the decoded part, from 1. */
  readonly line: number
  readonly target: string
  /** `''` for none. */
  readonly name: string
  readonly outcome: LinkOutcome
  /** Of a tracked link. */
  readonly form?: Form
}

export interface Explain {
  readonly links: readonly LinkExplain[]
  readonly pixel: 'inserted' | 'off' | 'no-html' | PartRefusal
  /** Of an inserted pixel. */
  readonly pixelForm?: Form
  /** Parts that were left alone as a whole. */
  readonly parts: readonly { readonly part: PartName | 'message'; readonly why: PartRefusal }[]
}
