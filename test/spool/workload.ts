// What a spool is put through until it is killed: messages are appended, some finished, some replaced by
// a DSN. The ledger says what was promised: `+ID` when an append has resolved, `-ID` before anything
// that may end ID's entry.
import type { Entry } from '../../src/spool/entry.ts'
import type { Spool } from '../../src/spool/spool.ts'
import type { Stored } from '../../src/spool/stored.ts'

export interface Workload {
  readonly spool: Spool
  /** Ids begin with it. */
  readonly prefix: string
  readonly messages: number
  readonly concurrency: number
  /** 0 to below 1. */
  readonly random: () => number
  readonly ledger: (line: string) => void
}

export function makeRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Octets that tell whose they are. */
export function dataOf(id: string): Buffer {
  const length = 100 + ((id.length * 7919 + id.charCodeAt(id.length - 1) * 104_729) % 30_000)
  return Buffer.alloc(length, `${id};`)
}

export function entryOf(id: string): Entry {
  const rendition = { pieces: [[0, 100]] as const, holes: [] }
  const context = { connection: {}, message: {} }
  const copy = {
    rendition,
    sizeBytes: 100,
    context,
    facts: {},
    mailfrom: 's@x',
    routingDomain: 'x',
  }
  const copies = ['a@x', 'b@x'].map((rcptto) => ({ ...copy, id: `${id} ${rcptto}`, rcptto }))
  const names = { batchId: id, connectionId: 'c', mailfrom: 's@x' }
  return { ...names, receivedMs: 1, facts: {}, context, copies }
}

export async function runWorkload(workload: Workload): Promise<void> {
  let next = 0
  const client = async (): Promise<void> => {
    while (next < workload.messages) await oneMessage(workload, `${workload.prefix}${next++}`)
  }
  await Promise.all(Array.from({ length: workload.concurrency }, client))
}

async function oneMessage(workload: Workload, id: string): Promise<void> {
  const { spool, random, ledger } = workload
  const stored = await spool.append(entryOf(id), dataOf(id))
  ledger(`+${id}`)
  const fate = random()
  if (fate < 0.08) spool.defer(stored, 0, { attempts: 1, nextAttemptMs: 5, note: 'later' })
  else if (fate < 0.85) finishBoth(workload, stored, id)
  else if (fate < 0.92) await bounce(workload, stored, id)
}

function finishBoth({ spool, ledger }: Workload, stored: Stored, id: string): void {
  spool.finish(stored, [1])
  ledger(`-${id}`)
  spool.finish(stored, [0])
}

async function bounce({ spool, ledger }: Workload, stored: Stored, id: string): Promise<void> {
  const dsn = `${id}-dsn`
  ledger(`?${id}`)
  await spool.replace(stored, [0, 1], { entry: entryOf(dsn), data: dataOf(dsn) })
  ledger(`-${id}`)
  ledger(`+${dsn}`)
}

/** What a ledger promises, against what is there. */
export function check(
  ledger: readonly string[],
  found: ReadonlySet<string>,
): { readonly lost: readonly string[]; readonly halfReplaced: readonly string[] } {
  const promised = new Set<string>()
  const replacing = new Set<string>()
  for (const line of ledger) {
    const id = line.slice(1)
    if (line.startsWith('+')) promised.add(id)
    else promised.delete(id)
    if (line.startsWith('?')) replacing.add(id)
  }
  const ended = new Set(ledger.filter((line) => line.startsWith('-')).map((line) => line.slice(1)))
  return {
    lost: [...promised].filter((id) => !found.has(id)),
    // Of an entry and the DSN that replaces it exactly one is there; after that, the DSN.
    halfReplaced: [...replacing].filter((id) => {
      if (ended.has(`${id}-dsn`)) return false
      return found.has(`${id}-dsn`) ? found.has(id) : ended.has(id) || !found.has(id)
    }),
  }
}
