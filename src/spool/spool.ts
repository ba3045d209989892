// The durable queue's store: what was appended is on disk before the promise resolves, and comes back
// at the next start until all its copies are finished. Layout and guarantees: README.md in this folder.
// What messages say, and their octets, are read when asked for.
import { join } from 'node:path'
import type { ContextChanges } from '../mail/context.ts'
import { FleetingMap } from '../mail/fleeting.ts'
import { makeAges } from './ages.ts'
import { makeCompactor } from './compaction.ts'
import { makeContents } from './contents.ts'
import { type Entry, rerouted } from './entry.ts'
import { type FileSystem, systemFiles } from './files.ts'
import type { Deferral } from './journal.ts'
import { makeLedger } from './ledger.ts'
import { lockDirectory } from './lock.ts'
import { openLog } from './log.ts'
import { openQuarantine, type Quarantine } from './quarantine.ts'
import type { Told } from './recoveredevents.ts'
import { recover, type Unindexed } from './recovery.ts'
import { openReserve } from './reserve.ts'
import { openSpares, type Spares } from './spares.ts'
import { indexRecords, makeRecorder } from './segmentindex.ts'
import { keep, NO_PROGRESS, note, type Parts, store } from './statements.ts'
import { doneChange, makeInterner, type Movable, type Stored, type Way } from './stored.ts'
import { makeSweeper } from './sweeper.ts'
import { finishSegment } from './writer.ts'

export interface Spool {
  /** Resolves when it is durable. `data`: what the copies' renditions refer to. */
  append(entry: Entry, data: Buffer): Promise<Stored>
  /** Both reject with SpoolError `damaged`, once and for all, when they are not what was written. */
  entry(stored: Stored): Promise<Entry>
  /** The data. */
  read(stored: Stored): Promise<Buffer>
  /**
   * These copies need no further attempt. Written within 20 ms, not synced: it may be forgotten, and
   * the records of `events` with it, never one without the other. `onWritten`: it was, or cannot be.
   */
  finish(
    stored: Stored,
    copies: readonly number[],
    events?: readonly string[],
    onWritten?: () => void,
  ): void
  /** The same and what came of it, a DSN say, as one durable record: both happen or neither. */
  replace(
    stored: Stored,
    copies: readonly number[],
    product: { readonly entry: Entry; readonly data: Buffer },
    events?: readonly string[],
  ): Promise<Stored>
  /**
   * Copies, by index, go other ways from now on: resolves when that is durable. False: the message was finished
   * before. Rejects when it cannot be written; it is as it was then.
   */
  reroute(stored: Stored, ways: ReadonlyMap<number, Way>): Promise<boolean>
  /** Policy has changed variables of the copy: in these it differs from its entry now. Written as `finish` is. */
  change(stored: Stored, copy: number, context: ContextChanges): void
  /** The same. */
  defer(stored: Stored, copy: number, deferral: Deferral): void
  /** What the last run left, oldest first. */
  readonly recovered: readonly Stored[]
  /** How many entries are not finished, and the second in which the oldest came (epoch ms; undefined: none). */
  backlog(): { readonly messages: number; readonly oldestMs: number | undefined }
  /** The entries that are not finished; what comes while it is gone through need not be among them. */
  unfinished(): Iterable<Stored>
  /** What the event log was told before the start, the latest 16 MB of it, oldest first. */
  readonly told: readonly Told[]
  /** Set when nothing more can be stored until the disk has been looked at. */
  readonly failure: Error | undefined
  /** Gives back room that it only keeps for later; false: there was none. */
  relieve(): Promise<boolean>
  /** Resolves when all progress is durable and segments that nobody needs are gone. */
  flush(): Promise<void>
  close(): Promise<void>
}

export interface SpoolOptions {
  readonly directory: string
  /** 64 MB unless told; a larger record has a segment of its own. */
  readonly segmentBytes?: number
  /** Of the messages that came last, kept in memory until they are finished: 64 MB unless told. */
  readonly freshBytes?: number
  /** Whether what `events` were stored for is durable, so that a segment which holds them may go. */
  readonly mayRemove?: () => Promise<boolean>
  /** What recovery found and what was quarantined, a line each. */
  readonly report: (text: string) => void
  readonly files?: FileSystem
}

const SEGMENT_BYTES = 64 * 1024 * 1024
const FRESH_BYTES = 64 * 1024 * 1024

/** Rejects with SpoolError `locked` or `newer format`, or with what the disk says. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { directory, files = systemFiles, segmentBytes = SEGMENT_BYTES, report } = options
  await files.makeDirectory(directory)
  const reserve = openReserve(files, directory)
  const unlock = await reserve.spend(() => lockDirectory(directory))
  try {
    const ledger = makeLedger()
    const recorder = makeRecorder()
    const interner = makeInterner()
    const quarantine = openQuarantine(files, directory)
    const found = await recover({ directory, files, ledger, quarantine, interner, report })
    const spares = await openSpares(files, directory, segmentBytes)
    const log = await reserve.spend(() =>
      openLog({
        directory,
        files,
        segmentBytes,
        spares,
        ...found,
        isSpent: (segment) => ledger.spent.has(segment) && ledger.restate(segment).length === 0,
        indexOf: recorder.take,
        onEmptied(segment) {
          ledger.remove(segment)
          ledger.addSegment(segment)
          recorder.take(0, 0)
        },
      }),
    )
    const parts = assemble(
      options,
      { log, ledger, recorder, interner },
      {
        quarantine,
        spares,
        segments: found.segments,
      },
    )
    await parts.sweeper.sweep()
    await finishSegments(options, parts, found.unindexed)
    await reserve.restore()
    const recovered = found.entries.map(({ outline, location, progress }) =>
      keep(parts, outline, location, progress),
    )
    void parts.compactor.compact()
    return spoolOf(parts, recovered, found.told, unlock)
  } catch (error) {
    await unlock()
    throw error
  }
}

/** So that no later start reads them as a whole, those that are still needed, and what they did not use is given back. */
async function finishSegments(
  { directory, files = systemFiles }: SpoolOptions,
  { ledger }: Parts,
  unindexed: readonly Unindexed[],
): Promise<void> {
  for (const { index, end, lastSequence, ...segment } of unindexed) {
    if (ledger.unfinished(segment.number).length === 0) continue
    const file = await files.open(join(directory, segment.name), 'write').catch(() => undefined)
    const records = index === undefined ? [] : indexRecords(segment, index, end, lastSequence)
    if (file) await finishSegment({ file, end }, records)
  }
}

/** What works on the log, each through the others. */
function assemble(
  {
    directory,
    report,
    freshBytes = FRESH_BYTES,
    mayRemove = () => Promise.resolve(true),
  }: SpoolOptions,
  base: Pick<Parts, 'log' | 'ledger' | 'recorder' | 'interner'>,
  onDisk: {
    readonly quarantine: Quarantine
    readonly spares: Spares
    readonly segments: ReadonlyMap<number, string>
  },
): Parts {
  const { log, ledger, recorder } = base
  const { quarantine, spares, segments } = onDisk
  const surroundings = { directory, log, ledger, recorder, report, mayRemove }
  const sweeper = makeSweeper({ ...surroundings, spares, segments })
  const live = new FleetingMap<number, Movable>()
  const contents = makeContents({
    directory,
    log,
    quarantine,
    finish: (stored) => note(parts, { kind: 'all done', entry: stored.location.sequence }),
    pin: ledger.pin,
    isUnfinished: (stored) => isUnfinished(parts, stored),
    freshBytes,
    report,
  })
  const compactor = makeCompactor({
    log,
    ledger,
    live,
    recorder,
    contents,
    interner: base.interner,
    wrote: sweeper.wrote,
    sweep: sweeper.sweep,
  })
  const parts: Parts = { ...base, spares, sweeper, compactor, contents, live, ages: makeAges() }
  return parts
}

function isUnfinished({ live }: Pick<Parts, 'live'>, stored: Stored): boolean {
  return live.get(stored.location.sequence) === stored
}

function spoolOf(
  parts: Parts,
  recovered: readonly Stored[],
  told: readonly Told[],
  unlock: () => Promise<void>,
): Spool {
  const { log, sweeper, compactor, contents } = parts
  return {
    recovered,
    told,
    *unfinished() {
      for (const stored of parts.live.values()) if (isUnfinished(parts, stored)) yield stored
    },
    backlog: () => ({ messages: parts.live.size, oldestMs: parts.ages.oldestMs() }),
    get failure() {
      return log.failure
    },
    append: (entry, data) => store(parts, entry, data, NO_PROGRESS),
    entry: contents.entry,
    read: contents.data,
    finish: (stored, copies, events, onWritten) =>
      note(parts, doneChange(stored, copies), events, onWritten),
    replace: (stored, copies, { entry, data }, events = []) =>
      compactor.hold(stored, () =>
        store(parts, entry, data, { changes: [doneChange(stored, copies)], events }),
      ),
    async reroute(stored, ways) {
      const isDone = await compactor.rewrite(stored, (entry) => rerouted(entry, ways))
      void sweeper.sweep()
      return isDone
    },
    defer(stored, copy, { attempts, nextAttemptMs, note: text }) {
      const deferral = { attempts, nextAttemptMs, note: parts.interner.note(text) }
      note(parts, { kind: 'deferred', entry: stored.location.sequence, copy, ...deferral })
    },
    change: (stored, copy, context) =>
      note(parts, { kind: 'changed', entry: stored.location.sequence, copy, context }),
    relieve: parts.spares.drop,
    flush: async () => {
      await compactor.compact()
      await log.flush()
      await sweeper.sweep()
    },
    close: async () => {
      await compactor.close()
      await log.flush().catch(() => undefined)
      await sweeper.sweep()
      await log.close()
      // A lock that stays says which process it belonged to: the next start sees that it is gone.
      await unlock().catch(() => undefined)
    },
  }
}
