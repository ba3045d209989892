// What tells messages apart in link tokens: 16 octets, a random series and the number of the message in it. One series
// is one key, and deriving a key costs as much as sealing several links: so a process goes on with a series until its
// numbers are used up.

export const SERIES_LENGTH = 14
export const SALT_LENGTH = SERIES_LENGTH + 2

const MAX_NUMBER = 0xffff

/** Every call gives another salt. `random`: so many octets that nobody can guess. */
export function openSalts(random: (octets: number) => Buffer): () => Buffer {
  let series = random(SERIES_LENGTH)
  let next = 0
  return () => {
    if (next > MAX_NUMBER) {
      series = random(SERIES_LENGTH)
      next = 0
    }
    const salt = Buffer.allocUnsafe(SALT_LENGTH)
    series.copy(salt)
    salt.writeUInt16BE(next++, SERIES_LENGTH)
    return salt
  }
}

export function seriesOf(salt: Buffer): Buffer {
  return salt.subarray(0, SERIES_LENGTH)
}

export function numberOf(salt: Buffer): number {
  return salt.readUInt16BE(SERIES_LENGTH)
}
