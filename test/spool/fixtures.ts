// Entries to store, a folder of their own for each spool, and files that fail when told to.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Entry, type EntryCopy, packEntry } from '../../src/spool/entry.ts'
import { type FileSystem, type SpoolFile, systemFiles } from '../../src/spool/files.ts'
import { type Spool, type SpoolOptions, openSpool } from '../../src/spool/spool.ts'
import { makeInterner, outlineOf, type Stored } from '../../src/spool/stored.ts'

export function copyFor(rcptto: string, changes: Partial<EntryCopy> = {}): EntryCopy {
  return {
    id: `id of ${rcptto}`,
    mailfrom: 'sender@example.com',
    rcptto,
    routingDomain: rcptto.slice(rcptto.indexOf('@') + 1),
    rendition: { pieces: [[0, 10]], holes: [] },
    sizeBytes: 10,
    context: { connection: {}, message: {} },
    facts: {},
    ...changes,
  }
}

export function entryFor(batchId: string, ...copies: readonly (string | EntryCopy)[]): Entry {
  const all = copies.length ? copies : ['a@example.com']
  return {
    batchId,
    connectionId: 'c1',
    receivedMs: 1_700_000_000_000,
    mailfrom: 'sender@example.com',
    facts: { ip: '192.0.2.1' },
    context: { connection: { listener: 'in' }, message: { campaign: 'spring' } },
    copies: all.map((copy) => (typeof copy === 'string' ? copyFor(copy) : copy)),
  }
}

/** One that was read, to compare: there the pieces are made when they are asked for. */
export function plain(entry: Entry): Entry {
  const copies = entry.copies.map(({ rendition: { pieces, holes }, ...copy }) => ({
    ...copy,
    rendition: { pieces, holes },
  }))
  return { ...entry, copies }
}

/** Batch ids of what a spool has recovered, in order. */
export async function idsOf(spool: Pick<Spool, 'recovered' | 'entry'>): Promise<string[]> {
  const entries = await Promise.all(spool.recovered.map(spool.entry))
  return entries.map(({ batchId }) => batchId)
}

/** What is kept of an entry at all times. */
export function storedFor(entry: Entry): Stored {
  const place = { segment: 1, file: 'f', sequence: 1, start: 0, dataStart: 0, dataBytes: 0 }
  return {
    ...outlineOf(packEntry(entry), makeInterner()),
    location: { ...place, dataCrc: 0 },
    copies: entry.copies.map(() => ({ done: false, attempts: 0, nextAttemptMs: 0, note: '' })),
  }
}

/** Removed when the test is over. */
export function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'spool-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export type OpenedSpool = Spool & { readonly reports: readonly string[] }

/** Closed when the test is over. Messages are read from disk, also those that have just been written. */
export async function open(
  directory: string,
  options: Partial<SpoolOptions> = {},
): Promise<OpenedSpool> {
  const reports: string[] = []
  const report = (text: string): void => void reports.push(text)
  const spool = await openSpool({ directory, report, freshBytes: 0, ...options })
  onTestFinished(() => spool.close())
  return Object.assign(spool, { reports })
}

export function segmentFiles(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .sort()
}

export function quarantined(directory: string): string[] {
  const folder = join(directory, 'quarantine')
  return readdirSync(directory).includes('quarantine') ? readdirSync(folder).sort() : []
}

export type Operation = 'writev' | 'datasync' | 'sync' | 'truncate' | 'open' | 'remove' | 'rename'

export interface FaultyFiles extends FileSystem {
  /** From now on the operation fails with this code; undefined: it works again. */
  fail(operation: Operation, code: string | undefined): void
  readonly calls: readonly string[]
}

export function faultyFiles(): FaultyFiles {
  const faults = new Map<Operation, string>()
  const calls: string[] = []
  const run = async <T>(operation: Operation, work: () => Promise<T>): Promise<T> => {
    calls.push(operation)
    const code = faults.get(operation)
    if (code) throw Object.assign(new Error(`${code}: made to fail`), { code })
    return work()
  }
  const wrap = (file: SpoolFile): SpoolFile => ({
    ...file,
    writev: (buffers, position) => run('writev', () => file.writev(buffers, position)),
    truncate: (sizeBytes) => run('truncate', () => file.truncate(sizeBytes)),
    datasync: () => run('datasync', () => file.datasync()),
    sync: () => run('sync', () => file.sync()),
  })
  return {
    ...systemFiles,
    open: (path, mode) => run('open', async () => wrap(await systemFiles.open(path, mode))),
    remove: (path) => run('remove', () => systemFiles.remove(path)),
    rename: (from, to) => run('rename', () => systemFiles.rename(from, to)),
    calls,
    fail(operation, code) {
      if (code) faults.set(operation, code)
      else faults.delete(operation)
    },
  }
}
