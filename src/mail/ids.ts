// Ids of connections, receptions and messages. Momentum prints a message id as `00/00-25004-31B987F3`:
// two hex bytes that tell siblings of one reception apart, the process id, and a number; in events a
// message has 20 hex digits, and a transmission 17 decimal ones. Clock, randomness and process id come in.

export interface Ids {
  connection(): string
  /** The id of a reception; its first copy has the same. */
  batch(): string
  /** A copy's id in events. */
  message(): string
  transmission(): string
}

/** `seed`: 8 random octets, so that a restart does not repeat the numbers of the last run. */
export function makeIds(pid: number, seed: Buffer, now: () => number): Ids {
  const process = hex(seed.readUInt16BE(0), 4)
  let next = seed.readUInt32BE(4)
  const number = (): number => (next = (next + 1) >>> 0)
  const spoolId = (): string => `00/00-${pid}-${hex(number(), 8)}`
  return {
    connection: spoolId,
    batch: spoolId,
    message() {
      const seconds = Math.floor(now() / 1000) >>> 0
      return `${hex(seconds, 8)}${process}${hex(number(), 8)}`.toLowerCase()
    },
    transmission() {
      const ms = String(Math.floor(now())).padStart(13, '0').slice(-13)
      return `${ms}${String(number() % 10_000).padStart(4, '0')}`
    },
  }
}

/** The id of copy `index` of a batch: 00/00, 10/00, 20/00, … then 01/00, 11/00, …, at most 65,536. */
export function siblingId(batchId: string, index: number): string {
  const first = ((index & 0x0f) << 4) | ((index >> 4) & 0x0f)
  return `${hex(first, 2)}/${hex((index >> 8) & 0xff, 2)}${batchId.slice(5)}`
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}
