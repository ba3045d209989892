// Events in a file, a JSON record a line, for whoever follows it (`event_hydrant`). It never holds a record
// twice, nor half of one: a start looks where the file ends and goes on from there, and so does a retry
// after a full disk. Rotation from outside: rename it, then SIGUSR2. Or by itself, by size or age: then the
// full file is renamed to its name with the time (UTC) behind it, and kept.
import { type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { BatchLimits, Sink } from './sink.ts'
import { makeTurns } from './turns.ts'

export interface EventFileOptions {
  readonly name: string
  readonly path: string
  readonly rotation?: Rotation
  wants(type: string): boolean
}

/** A limit of 0 is none. */
export interface Rotation {
  readonly maxBytes: number
  readonly maxAgeSeconds: number
  /** Epoch milliseconds. */
  now(): number
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
export async function openEventFile(options: EventFileOptions): Promise<Sink> {
  const { name, path, rotation, wants } = options
  await mkdir(dirname(path), { recursive: true })
  // Its end is read, too.
  let file = await open(path, 'a+', MODE)
  /** Octets of the batch on its way that the file has: a full disk may take only some. */
  let done = 0
  let swap: (() => Promise<void>) | undefined
  const inTurn = makeTurns()

  const goOn = async (): Promise<void> => {
    const next = await open(path, 'a', MODE)
    await file.close()
    file = next
  }
  const rotate = async (limits: Rotation): Promise<void> => {
    if (!(await isDue(file, limits))) return
    await rename(path, await freeName(path, limits.now()))
    await goOn()
  }
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
      const { taken, missing } = await compare(file, events)
      if (missing) await file.write(missing)
      return taken
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
        // Where this fails the file only grows beyond its limit; it is tried again after the next batch.
        if (rotation) await rotate(rotation).catch(() => undefined)
      }),
    reopen: () =>
      new Promise((resolve, reject) => {
        swap = async () => {
          try {
            await goOn()
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

async function isDue(
  file: FileHandle,
  { maxBytes, maxAgeSeconds, now }: Rotation,
): Promise<boolean> {
  const { size, birthtimeMs } = await file.stat()
  const isOld = maxAgeSeconds > 0 && now() - birthtimeMs >= maxAgeSeconds * 1000
  return isOld || (maxBytes > 0 && size >= maxBytes)
}

/** `events.jsonl.20261125T190000Z`, with a number behind it when that is taken. */
async function freeName(path: string, nowMs: number): Promise<string> {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')
  for (let i = 0; ; i++) {
    const name = `${path}.${time}${i > 0 ? `.${i}` : ''}`
    const isTaken = await stat(name).then(
      () => true,
      () => false,
    )
    if (!isTaken) return name
  }
}

/** How many of these records the file has, and what is missing to make its last line a whole one. */
async function compare(
  file: FileHandle,
  events: readonly Buffer[],
): Promise<{ readonly taken: number; readonly missing: Buffer | undefined }> {
  const { last, torn } = await tailOf(file)
  const taken = events.findLastIndex((event) => event.equals(last)) + 1
  if (torn.length === 0) return { taken, missing: undefined }
  const begun = events[taken]
  if (!begun?.subarray(0, torn.length).equals(torn)) return { taken, missing: NEWLINE }
  return { taken: taken + 1, missing: Buffer.concat([begun.subarray(torn.length), NEWLINE]) }
}

/** Its last whole line, and what follows it without an end. */
async function tailOf(file: FileHandle): Promise<{ readonly last: Buffer; readonly torn: Buffer }> {
  const { size } = await file.stat()
  const length = Math.min(size, TAIL_BYTES)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length)
  const bytes = buffer.subarray(0, bytesRead)
  const end = bytes.lastIndexOf(0x0a)
  const start = end > 0 ? bytes.lastIndexOf(0x0a, end - 1) : -1
  return { last: bytes.subarray(start + 1, Math.max(end, 0)), torn: bytes.subarray(end + 1) }
}
