// What a command says and reads: results on standard output, complaints on standard error.
import { buffer } from 'node:stream/consumers'

export interface Terminal {
  /** The result. */
  write(text: string): void
  /** A line for people. */
  complain(line: string): void
  readInput(): Promise<Buffer>
  readonly isColoured: boolean
}

export function standardTerminal(): Terminal {
  return {
    write: (text) => void process.stdout.write(text),
    complain: (line) => void process.stderr.write(`${line}\n`),
    readInput: () => buffer(process.stdin),
    isColoured: process.stdout.isTTY && !process.env['NO_COLOR'],
  }
}
