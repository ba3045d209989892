// Queued mail, as those see it who list it, try it or end it: of a running server or of a spool that nobody has open.
import type { Entry } from './spool/entry.ts'
import type { QueueItem } from './spool/queue.ts'
import type { Stored } from './spool/stored.ts'

/** The mail that is there, and what can be done to it. Copies on their way are left alone. */
export interface QueuedMail {
  unfinished(): Iterable<Stored>
  /** What was found damaged when it was opened, a line each; none where that is long ago. */
  readonly setAside?: readonly string[]
  entry(stored: Stored): Promise<Entry>
  read(stored: Stored): Promise<Buffer>
  retry(test: Test): number
  /** The reply is a line such as `554 5.4.7 …`. */
  fail(test: Test, reply: string, isQuiet: boolean): Promise<number>
  remove(test: Test): number
}

export function queuedMail(
  { unfinished, entry, read }: Pick<QueuedMail, 'unfinished' | 'entry' | 'read'>,
  { retry, fail, remove }: Pick<QueuedMail, 'retry' | 'fail' | 'remove'>,
): QueuedMail {
  return { unfinished, entry, read, retry, fail, remove }
}

export type Test = (item: QueueItem) => boolean
