// What scripts write without whole lines (io.write), put together to the lines that `print` writes.

import { currentCall, hold } from '../call.ts'

export interface LineWriter {
  readonly write: (text: string) => void
  /** Writes the line that was begun, if any. */
  readonly flush: () => void
  /** The line that was begun, which is then forgotten. */
  readonly take: () => string
}

// A line that never ends is written in pieces.
const LONGEST = 64 * 1024

/** `print` gets a line without its end. What a call leaves unfinished is written when the call ends. */
export function lineWriter(print: (line: string) => void): LineWriter {
  let begun = ''
  let drop = (): void => {}
  const take = (): string => {
    const text = begun
    begun = ''
    drop()
    return text
  }
  const flush = (): void => {
    if (begun !== '') print(take())
  }
  return {
    take,
    flush,
    write(text) {
      const lines = (take() + text).split('\n')
      begun = lines.pop() ?? ''
      for (const line of lines) print(line)
      if (begun.length > LONGEST) return flush()
      const call = currentCall()
      if (begun !== '' && call !== undefined) drop = hold(call, flush)
    },
  }
}
