// Edits of one decoded part: octets replaced by text of ours and by holes that each recipient fills.
// Layouts turn them into segments of the encoded part, one per transfer encoding.

/** The recipient part that fills a hole: for links with or without metadata, tags and custom variables, for the pixel. */
export type Role = 'full' | 'short' | 'open'

/** ASCII text of ours, or a hole. */
export type Slot = { readonly text: string } | { readonly role: Role }

/** Octets `start` to `end` of the decoded part give way to `slots`. Sorted, not overlapping. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly slots: readonly Slot[]
}

/** Characters of each role's hole; multiples of 24. */
export type HoleLengths = Readonly<Record<Role, number>>

/** Characters `from` to `to` of a hole, as they are (0) or as base64 (1). */
interface HoleSegment {
  readonly role: Role
  readonly from: number
  readonly to: number
  readonly encoding: 0 | 1
}

/** Octets of the part as received (a view), or a byte string of new ones, or a piece of a hole. */
export type Segment = Buffer | string | HoleSegment

export function slotLength(slot: Slot, lengths: HoleLengths): number {
  return 'text' in slot ? slot.text.length : lengths[slot.role]
}
