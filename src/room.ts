// Memory for the bodies of messages that are under way, all sessions together. Pure.

export interface Room {
  /** Whether another message may begin. */
  isLeft(): boolean
  /** One session's part: it has so many octets now; false: those are too many, it must give them back. */
  holder(): (octets: number) => boolean
}

/** A message up to this size is small; of the octets of the room, the last eighth is for such. */
const SMALL_OCTETS = 64 * 1024
const LARGE_SHARE = 7 / 8

/** A few clients that send slowly what is large cannot keep everybody else out. */
export function makeRoom(limitOctets: number): Room {
  let taken = 0
  return {
    isLeft: () => taken < limitOctets,
    holder() {
      let held = 0
      return (octets) => {
        taken += octets - held
        held = octets
        return taken <= (octets > SMALL_OCTETS ? limitOctets * LARGE_SHARE : limitOctets)
      }
    },
  }
}
