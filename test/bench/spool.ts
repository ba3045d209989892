// Durable commits a second of 20 KB messages: the segment log against one file per message (write,
// fdatasync, rename, fsync of the directory, as other servers do). Says the ratio; absolute numbers are
// the disk's, of which it says first how often it syncs anything at all. Run, with a directory on the disk in question:
//   npm run bench -- spool DIR
import { mkdtempSync, rmSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checksum } from '../../src/spool/checksum.ts'
import type { Entry } from '../../src/spool/entry.ts'
import { openSpool } from '../../src/spool/spool.ts'
import { note } from './result.ts'

type Store = (data: Buffer) => Promise<unknown>

interface Measured {
  readonly perSecond: number
  readonly p99Ms: number
  readonly cpuMicroseconds: number
}

const DATA = Buffer.alloc(20_480, 'x')
const ROUNDS = 3
const SECONDS = 1.5

const context = { connection: {}, message: {} }
const ENTRY: Entry = {
  batchId: '00/00-1-1',
  connectionId: '00/00-1-0',
  receivedMs: 1,
  mailfrom: 'sender@example.org',
  facts: {},
  context,
  copies: [
    {
      id: '00/00-1-1',
      mailfrom: 'sender@example.org',
      rcptto: 'somebody@example.com',
      routingDomain: 'example.com',
      rendition: { pieces: [[0, 20_480]], holes: [] },
      sizeBytes: 20_480,
      context,
      facts: {},
    },
  ],
}

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'bench-spool-'))
try {
  console.log(`checksum: ${checksumRate()} MB/s`)
  for (const isWritten of [true, false]) console.log(await diskFloor(isWritten))
  // Until there are segments whose files can be used again.
  await withSpool((store) => measure(store, 100))
  for (const clients of [1, 10, 100]) {
    const spool: Measured[] = []
    const files: Measured[] = []
    for (let round = 0; round < ROUNDS; round++) {
      spool.push(await withSpool((store) => measure(store, clients)))
      files.push(await measure(filePerMessage(), clients))
    }
    const [log, each] = [median(spool), median(files)]
    const ratio = (log.perSecond / each.perSecond).toFixed(1)
    const goal = clients > 1 ? (['at least', 5] as const) : ([] as const)
    note(
      `spool, ${clients} at once: over a file for each message`,
      log.perSecond / each.perSecond,
      'x',
      ...goal,
    )
    note(
      `spool, ${clients} at once: p99 of a commit`,
      log.p99Ms,
      'ms',
      ...(clients > 1 ? (['at most', 5] as const) : []),
    )
    console.log(`${clients} at once: log ${text(log)}; files ${text(each)}; ratio ${ratio}`)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}

/** A write and a sync after the other, in a file that was written before or is sparse. */
async function diskFloor(isWritten: boolean): Promise<string> {
  const syncs = 400
  const path = join(directory, 'floor')
  const file = await open(path, 'w+')
  if (isWritten) await file.writeFile(Buffer.alloc(syncs * DATA.length))
  else await file.truncate(syncs * DATA.length)
  await file.sync()
  const times: number[] = []
  for (let i = 0; i < syncs; i++) {
    const before = performance.now()
    await file.write(DATA, 0, DATA.length, i * DATA.length)
    await file.datasync()
    times.push(performance.now() - before)
  }
  await file.close()
  rmSync(path)
  const total = times.reduce((sum, time) => sum + time, 0)
  times.sort((a, b) => a - b)
  const where = isWritten ? 'where octets were before' : 'into a sparse file'
  const p99 = (times[Math.floor(syncs * 0.99)] ?? 0).toFixed(1)
  return `the disk: ${((syncs / total) * 1000).toFixed(0)} syncs/s ${where} (p99 ${p99} ms)`
}

async function measure(store: Store, clients: number): Promise<Measured> {
  const times: number[] = []
  const cpu = process.cpuUsage()
  const start = performance.now()
  const client = async (): Promise<void> => {
    while (performance.now() - start < SECONDS * 1000) {
      const before = performance.now()
      await store(DATA)
      times.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  const { user, system } = process.cpuUsage(cpu)
  const perSecond = (times.length / (performance.now() - start)) * 1000
  times.sort((a, b) => a - b)
  const p99Ms = times[Math.floor(times.length * 0.99)] ?? 0
  return { perSecond, p99Ms, cpuMicroseconds: (user + system) / times.length }
}

async function withSpool(run: (store: Store) => Promise<Measured>): Promise<Measured> {
  const spool = await openSpool({ directory: join(directory, 'log'), report: console.error })
  try {
    return await run(async (data) => spool.finish(await spool.append(ENTRY, data), [0]))
  } finally {
    await spool.close()
  }
}

function filePerMessage(): Store {
  let count = 0
  return async (data) => {
    const path = join(directory, String(count++ % 5000))
    const file = await open(`${path}.tmp`, 'w')
    await file.write(data)
    await file.datasync()
    await file.close()
    await rename(`${path}.tmp`, path)
    const folder = await open(directory, 'r')
    await folder.sync()
    await folder.close()
  }
}

function checksumRate(): number {
  const octets = 2 ** 30
  for (let i = 0; i < 2000; i++) checksum(DATA)
  const start = performance.now()
  for (let done = 0; done < octets; done += DATA.length) checksum(DATA)
  return Math.round(octets / 1000 / (performance.now() - start))
}

function median(all: readonly Measured[]): Measured {
  const middle = all.toSorted((a, b) => a.perSecond - b.perSecond)[all.length >> 1]
  if (!middle) throw new Error('nothing was measured')
  return middle
}

function text({ perSecond, p99Ms, cpuMicroseconds }: Measured): string {
  const cpu = `${cpuMicroseconds.toFixed(0)} us of CPU each`
  return `${perSecond.toFixed(0)}/s (p99 ${p99Ms.toFixed(1)} ms, ${cpu})`
}
