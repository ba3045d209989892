// This process among the workers that share a spool, its ports and its logs.

export interface Place {
  /** From 0; its folder of the spool. */
  readonly slot: number
  /** How many there are. */
  readonly workers: number
}

/** One process does everything. */
export const ALONE: Place = { slot: 0, workers: 1 }

/** A limit of all workers together, as each of them keeps it. */
export function shareOf(limit: number, { workers }: Place): number {
  return Math.ceil(limit / workers)
}

/** Folders of workers that are there no more fall to those that are, in turn. */
export function orphansOf(slots: readonly number[], { slot, workers }: Place): number[] {
  return slots.filter((each) => each >= workers && each % workers === slot)
}
