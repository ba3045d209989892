// Lines that wait to be written, as text: a Buffer for each would be memory outside of the heap, of which much brings
// on a collection of all of it.

export interface LineBuffer {
  /** Of all that was added and not written yet, what has been taken included. */
  readonly octets: number
  add(line: string): void
  /** All that has not been taken, each line with its end. */
  take(): Buffer
  wrote(octets: number): void
  /** Taken and not written: the next that is taken begins with it. */
  putBack(left: Buffer): void
}

const NOTHING = Buffer.alloc(0)

export function makeLineBuffer(encoding: 'latin1' | 'utf8'): LineBuffer {
  let lines: string[] = []
  let left: Buffer = NOTHING
  let octets = 0
  return {
    get octets() {
      return octets
    },
    add(line) {
      lines.push(line, '\n')
      octets += (encoding === 'latin1' ? line.length : Buffer.byteLength(line)) + 1
    },
    take() {
      const fresh = Buffer.from(lines.join(''), encoding)
      const taken = left.length > 0 ? Buffer.concat([left, fresh]) : fresh
      lines = []
      left = NOTHING
      return taken
    },
    wrote: (count) => void (octets -= count),
    putBack: (rest) => void (left = rest),
  }
}
