// Writing and reading the plain text of tokens: unsigned LEB128 numbers in their shortest form, and
// octet strings with their length in front. Written as byte strings, which grow faster than buffers.
// Reading is total: undefined where the octets end too soon.

interface OctetReader {
  number(): number | undefined
  /** A byte string that was written with its length. */
  text(): string | undefined
  rest(): Buffer
}

/** `value`: an integer from 0 to 2^48. */
export function numberOctets(value: number): string {
  let octets = ''
  let left = value
  while (left > 0x7f) {
    octets += String.fromCharCode((left % 0x80) | 0x80)
    left = Math.floor(left / 0x80)
  }
  return octets + String.fromCharCode(left)
}

export function withLength(octets: string): string {
  return numberOctets(octets.length) + octets
}

export function readOctets(bytes: Buffer): OctetReader {
  let at = 0

  const number = (): number | undefined => {
    let value = 0
    for (let factor = 1; factor <= 2 ** 42; factor *= 0x80) {
      const octet = bytes[at++]
      if (octet === undefined) return undefined
      value += (octet & 0x7f) * factor
      // A last octet of zero would be a second spelling of a shorter number.
      if (octet < 0x80) return octet === 0 && factor > 1 ? undefined : value
    }
    return undefined
  }

  return {
    number,
    text() {
      const length = number()
      if (length === undefined || at + length > bytes.length) return undefined
      at += length
      return bytes.toString('latin1', at - length, at)
    },
    rest: () => bytes.subarray(at),
  }
}
