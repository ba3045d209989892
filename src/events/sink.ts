// What takes events out of the log: a file, a web server, a Redis stream.

export interface Batch {
  /** The same for the same events of the same sink, also after a crash. */
  readonly id: string
  /** One JSON record each, as UTF-8. Never empty. */
  readonly events: readonly Buffer[]
}

export interface Sink {
  /** Names it in reports and in its cursor. */
  readonly name: string
  readonly limits: BatchLimits
  /** Which of the events it is for, by type. */
  wants(type: string): boolean
  /** Tries it once, before anything else; what it rejects with is reported and changes nothing. */
  greet?(signal: AbortSignal): Promise<void>
  /** What it has taken of these, which follow its cursor: a number of them from the first on. */
  resume?(events: readonly Buffer[]): Promise<number>
  /** Resolves when it has the batch for good; rejects with why not. */
  deliver(batch: Batch, signal: AbortSignal): Promise<void>
  /** Goes on in a new file of the same name. */
  reopen?(): Promise<void>
  close(): Promise<void>
}

export interface BatchLimits {
  readonly events: number
  readonly bytes: number
  /** How long the first event waits for others. */
  readonly waitMs: number
  /** Back-off: the delay after the first failure, doubled by each further one up to the last. */
  readonly firstDelayMs: number
  readonly lastDelayMs: number
  /** A batch that has failed for so long is dropped. */
  readonly giveUpMs: number
}

/** The type of an event record; undefined when the line is none. */
export function typeOf(line: Buffer): string | undefined {
  const head = line.toString('latin1', 0, HEAD_LENGTH)
  const isWhole = line.subarray(-3).toString('latin1') === '}}}'
  return isWhole ? /^\{"msys":\{"\w+":\{"type":"(\w+)"/.exec(head)?.[1] : undefined
}

const HEAD_LENGTH = 100
