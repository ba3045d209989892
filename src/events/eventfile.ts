// Events in a file, a JSON record a line, for whoever follows it (`event_hydrant`). It never holds a record
// twice, nor half of one: a start looks where the file ends and goes on from there, and so does a retry
// after a full disk. Rotation from outside: rename it, then SIGUSR2.
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BatchLimits, Sink } from './sink.ts'
import { makeTurns } from './turns.ts'

export interface EventFileOptions {
  readonly name: string
  readonly path: string
  wants(type: string): boolean
}

const MODE = 0o640
const TAIL_BYTES = 1024 * 1024
const LIMITS: BatchLimits = {
  events: 10_000,
  bytes: 4 * 1024 * 1024,
  waitMs: 0,
  firstDelayMs: 250,
  lastDelayMs: 5_000,
  giveUpMs: Infinity,
}

/** Rejects when it cannot be opened. */
export async function openEventFile({ name, path, wants }: EventFileOptions): Promise<Sink> {
  await mkdir(dirname(path), { recursive: true })
  let file = await open(path, 'a', MODE)
  /** Octets of the batch on its way that the file has: a full disk may take only some. */
  let done = 0
  let swap: (() => Promise<void>) | undefined
  const inTurn = makeTurns()

  /** Only between batches, so that each file ends with a whole record. */
  const swapIfAsked = async (): Promise<void> => {
    if (done > 0) return
    const task = swap
    swap = undefined
    await task?.()
  }

  return {
    name,
    limits: LIMITS,
    wants,
    async resume(events) {
      const { last, torn } = await tailOf(path)
      const taken = events.findLastIndex((event) => event.equals(last)) + 1
      if (torn.length === 0) return taken
      const begun = events[taken]
      const isBegun = begun?.subarray(0, torn.length).equals(torn) ?? false
      // The rest of a record that a crash cut short, or at least an end to that line.
      const rest = isBegun && begun ? begun.subarray(torn.length) : Buffer.alloc(0)
      await file.write(Buffer.concat([rest, NEWLINE]))
      return isBegun ? taken + 1 : taken
    },
    deliver: (batch) =>
      inTurn(async () => {
        const bytes = Buffer.concat(batch.events.flatMap((event) => [event, NEWLINE]))
        while (done < bytes.length) {
          const { bytesWritten } = await file.write(bytes, done)
          if (bytesWritten === 0) throw new Error(`${path} takes no more octets`)
          done += bytesWritten
        }
        done = 0
        await swapIfAsked()
      }),
    reopen: () =>
      new Promise((resolve, reject) => {
        swap = async () => {
          try {
            const next = await open(path, 'a', MODE)
            await file.close()
            file = next
            resolve()
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)))
          }
        }
        void inTurn(swapIfAsked)
      }),
    close: () => inTurn(() => file.close()),
  }
}

const NEWLINE = Buffer.from('\n')

/** Its last whole line, and what follows it without an end. */
async function tailOf(path: string): Promise<{ readonly last: Buffer; readonly torn: Buffer }> {
  const reader: FileHandle = await open(path, 'r')
  try {
    const { size } = await reader.stat()
    const length = Math.min(size, TAIL_BYTES)
    const { buffer, bytesRead } = await reader.read(Buffer.alloc(length), 0, length, size - length)
    const bytes = buffer.subarray(0, bytesRead)
    const end = bytes.lastIndexOf(0x0a)
    const start = end > 0 ? bytes.lastIndexOf(0x0a, end - 1) : -1
    return { last: bytes.subarray(start + 1, Math.max(end, 0)), torn: bytes.subarray(end + 1) }
  } finally {
    await reader.close()
  }
}
