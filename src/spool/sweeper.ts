// Removes segments whose entries are all finished. Before a file goes, everything noted so far is made
// durable, together with what the segment said about entries of others (ledger.ts). A crash in between
// finds both the old and the new word, which agree; a crash after the removal finds the new one.
import { join } from 'node:path'
import { SpoolError } from './error.ts'
import { progressRecord } from './journal.ts'
import type { Ledger } from './ledger.ts'
import type { Location } from './batch.ts'
import type { Log } from './log.ts'
import type { Spares } from './spares.ts'
import type { Recorder } from './segmentindex.ts'

export interface Sweeper {
  /** Something was stored here. */
  wrote(location: Location): void
  /** Removes what can go now. Never rejects: what stays is tried again, at the latest at a start. */
  sweep(): Promise<void>
}

export interface SweeperOptions {
  readonly directory: string
  readonly spares: Pick<Spares, 'give'>
  readonly log: Log
  readonly ledger: Ledger
  readonly recorder: Recorder
  readonly mayRemove: () => Promise<boolean>
  /** Files of the segments that are there, by number. */
  readonly segments: ReadonlyMap<number, string>
  readonly report: (text: string) => void
}

export function makeSweeper(options: SweeperOptions): Sweeper {
  const { log, ledger } = options
  const names = new Map(options.segments)
  let sweeping: Promise<void> | undefined

  const nextSpent = (): number | undefined =>
    [...ledger.spent].find((number) => number !== log.current)

  async function sweepAll(): Promise<void> {
    for (let number = nextSpent(); number !== undefined; number = nextSpent()) {
      if (!(await options.mayRemove()) || !(await restated(number))) return
      await removeSegment(number)
    }
  }

  async function restated(number: number): Promise<boolean> {
    const changes = ledger.restate(number)
    try {
      if (!changes.length) {
        await log.flush()
        return true
      }
      const head = progressRecord({ changes, events: [] })
      await log.append({ head, when: 'now' }, (location) => {
        wrote(location)
        options.recorder.said(changes)
        for (const change of changes) ledger.recorded(change, location.segment)
      })
      return true
    } catch (error) {
      // On a full disk a segment that only speaks of itself may go: its removal says all that is to say.
      return !changes.length && error instanceof SpoolError && error.kind === 'no room'
    }
  }

  async function removeSegment(number: number): Promise<void> {
    const path = join(options.directory, names.get(number) ?? '')
    try {
      log.forget(names.get(number) ?? '')
      await options.spares.give(path)
      names.delete(number)
      ledger.remove(number)
    } catch (error) {
      ledger.pin(number)
      options.report(`cannot remove ${path}, it stays until the next start: ${String(error)}`)
    }
  }

  function wrote({ segment, file, dataStart, dataBytes }: Location): void {
    ledger.grow(segment, dataStart + dataBytes)
    if (names.has(segment)) return
    names.set(segment, file)
    ledger.addSegment(segment)
  }

  return {
    wrote,
    // Not async: under load a sweep goes on for long, and each message would leave something on its promise.
    sweep() {
      if (nextSpent() === undefined) return sweeping ?? Promise.resolve()
      sweeping ??= sweepAll().finally(() => {
        sweeping = undefined
      })
      return sweeping
    },
  }
}
