// What a trace tells of one callout. Plain data; addresses, names, values, header lines and prints are byte
// strings (mail/bytes.ts), times are milliseconds.

import type { OutsideNote } from '../msys/runtime.ts'

export interface CalloutTrace {
  readonly connectionId: string
  /** The reception, and the copy; `''` outside of a transaction. */
  readonly batchId: string
  readonly messageId: string
  /** The recipient that it is about: of RCPT and of copies, else `''`. */
  readonly rcptto: string
  readonly callout: string
  readonly module: string
  /** Path of the script that registered the module. */
  readonly script: string
  /** When it began, since 1970. */
  readonly atMs: number
  /** How long it took, waiting included. */
  readonly ms: number
  /** `CONT`, `DONE`, `AGAIN`, `nil`, what else it returned, or `error: …`. */
  readonly result: string
  /** The reply that it asked for; undefined: it left that alone. */
  readonly verdict?: VerdictTrace
  /** In the order of their names. */
  readonly context: readonly VariableChange[]
  /** Whole fields, without their line ends. */
  readonly header: { readonly removed: readonly string[]; readonly added: readonly string[] }
  /** Octets before and after; undefined: it left the body alone. */
  readonly body?: Change<number>
  /** The list of recipients, if it changed that. */
  readonly recipients?: Change<readonly string[]>
  /** `mailfrom`, `rcptto`, `routing domain`, `binding`, `priority`, `discarded`. */
  readonly envelope: readonly (Change<string> & { readonly name: string })[]
  /** What it printed and logged, a line each. */
  readonly prints: readonly string[]
  readonly outside: readonly OutsideNote[]
}

export interface Change<T> {
  readonly before: T
  readonly after: T
}

export interface VariableChange {
  readonly dictionary: 'connection' | 'message'
  readonly name: string
  /** Undefined: it was not there. */
  readonly before: string | undefined
  /** Undefined: it was deleted. */
  readonly after: string | undefined
}

export interface VerdictTrace {
  readonly code: number
  readonly text: string
  readonly disconnect: boolean
  readonly tarpitSeconds: number
}

/** Decides what is traced, and takes it. */
export interface Tracer {
  /** Asked before each callout: false costs nothing more. */
  wants(connectionId: string): boolean
  take(record: CalloutTrace): void
  /** Milliseconds since 1970, and of a clock that never steps. */
  nowMs(): number
  clockMs(): number
}
