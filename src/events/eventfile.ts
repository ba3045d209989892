// Events in a file, a JSON record a line, for whoever follows it (`event_hydrant`). It never holds a record
// twice, nor half of one: a start looks which of its records the file has and goes on from there, and so
// does a retry after a full disk. Several processes may append to it: each batch is one write.
// Rotation from outside: rename it, then SIGUSR2. Or by itself, by size or age: then the full file is renamed
// to its name with the time (UTC) behind it, and kept; one process does so, the others follow.
import { type FileHandle, mkdir, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { openAppender } from './appender.ts'
import { compare, settled } from './filetail.ts'
import type { BatchLimits, Sink } from './sink.ts'
import { makeTurns } from './turns.ts'

export interface EventFileOptions {
  readonly name: string
  readonly path: string
  readonly rotation?: Rotation
  /** Other processes append to it. */
  readonly isShared?: boolean
  /** Another process puts it aside. */
  readonly isFollower?: boolean
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
  const { name, path, rotation, wants, isShared = false, isFollower = false } = options
  await mkdir(dirname(path), { recursive: true })
  const appender = await openAppender(path, MODE)
  let swap: (() => Promise<void>) | undefined
  const inTurn = makeTurns()

  const rotate = async (limits: Rotation): Promise<void> => {
    if (isFollower || !(await isDue(appender.file, limits))) return
    await rename(path, await freeName(path, limits.now()))
    await appender.goOn()
  }
  /** Only between batches, so that each file ends with a whole record. */
  const swapIfAsked = async (): Promise<void> => {
    if (appender.isMidway) return
    const task = swap
    swap = undefined
    await task?.()
  }

  return {
    name,
    limits: LIMITS,
    wants,
    async resume(events) {
      if (isShared) await settled(appender.file)
      const { taken, missing } = await compare(appender.file, events)
      if (missing) await appender.file.write(missing)
      return taken
    },
    deliver: (batch) =>
      inTurn(async () => {
        if (isFollower && !appender.isMidway && !(await isAt(appender.file, path))) {
          await appender.goOn()
        }
        await appender.append(
          Buffer.concat(batch.events.flatMap((event) => [event, NEWLINE])),
          isShared,
        )
        await swapIfAsked()
        // Where this fails the file only grows beyond its limit; it is tried again after the next batch.
        if (rotation) await rotate(rotation).catch(() => undefined)
      }),
    reopen: () =>
      new Promise((resolve, reject) => {
        swap = () => appender.goOn().then(resolve, reject)
        void inTurn(swapIfAsked)
      }),
    close: () => inTurn(() => appender.file.close()),
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

/** False: another file has its name now. */
async function isAt(file: FileHandle, path: string): Promise<boolean> {
  const named = await stat(path).catch(() => undefined)
  return named !== undefined && named.ino === (await file.stat()).ino
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
