// What a rehearsal has instead of a machine: a clock that stands still, ids and random numbers that come in
// the same order every time, a spool and logs in memory. Nothing of it touches disk or network.
import { createHash } from 'node:crypto'
import type { EventRecorder } from '../events/journal.ts'
import type { LogFile } from '../events/logfile.ts'
import type { Config } from '../config/config.ts'
import { type Instruments, makeInstruments } from '../observing/instruments.ts'
import { makeIds, type Ids } from '../mail/ids.ts'
import { countsFrom } from '../observing/observers.ts'
import type { Entry } from '../spool/entry.ts'
import type { Stored } from '../spool/stored.ts'
import type { Store } from '../acceptance.ts'
import { makeClock, type RehearsalClock } from './clock.ts'
import { type Keyring, openKeyring } from '../tracking/keyring.ts'

export interface World {
  /** Epoch milliseconds. Waiting moves it on, nothing else does. */
  now(): number
  delay(ms: number): Promise<void>
  /** For policy. */
  readonly clock: RehearsalClock
  readonly ids: Ids
  /** From 0 up to 1. */
  random(): number
  randomBytes(octets: number): Buffer
  eventId(): string
  readonly store: Store
  /** What was put into the spool, in its order, since it was last asked. */
  takeSpooled(): readonly Spooled[]
  readonly logs: Record<LogName, string[]>
  openLog(file: { readonly path: string }): Promise<LogFile>
  /** JSON records, as webhooks and the event file get them. */
  readonly events: string[]
  readonly recorder: EventRecorder
  /** Nobody reads them. */
  readonly instruments: Instruments
}

export interface Spooled {
  readonly entry: Entry
  readonly data: Buffer
}

export const LOG_NAMES = ['mainlog', 'rejectlog', 'paniclog', 'acctlog'] as const
export type LogName = (typeof LOG_NAMES)[number]

/** 2026-01-01T00:00:00Z */
export const FROZEN_MS = Date.UTC(2026, 0, 1)

export function makeWorld(startMs: number): World {
  const clock = makeClock(startMs)
  const now = (): number => clock.nowMs()
  const dice = makeDice()
  const ids = makeIds(1, Buffer.alloc(8), now)
  const logs: World['logs'] = { mainlog: [], rejectlog: [], paniclog: [], acctlog: [] }
  const events: string[] = []
  const shelf = makeShelf()
  const instruments = makeInstruments()
  return {
    now,
    delay(ms) {
      clock.advance(ms)
      return Promise.resolve()
    },
    clock,
    ids,
    random: () => dice(6).readUIntBE(0, 6) / 2 ** 48,
    randomBytes: dice,
    eventId: () => dice(16).toString('hex'),
    store: {
      spool: shelf.spool,
      space: { shortage: undefined },
      dispatcher: { enqueue: shelf.enqueue },
      ids,
      counts: countsFrom(0),
      storing: instruments.storing,
    },
    takeSpooled: shelf.take,
    logs,
    openLog: ({ path }) => Promise.resolve(logInto(path, logs[path as LogName] ?? [])),
    events,
    instruments,
    recorder: { wants: () => true, append: ({ line }) => void events.push(line) },
  }
}

/** Every log is on, and kept under its name. */
export function loggedConfig(config: Config): Config {
  const mode = 0o600
  return {
    ...config,
    logger: {
      enabled: true,
      mainlog: 'mainlog',
      mainlogMode: mode,
      rejectlog: 'rejectlog',
      rejectlogMode: mode,
      paniclog: 'paniclog',
      paniclogMode: mode,
      acctlog: 'acctlog',
      acctlogMode: mode,
      heartbeatSeconds: 0,
      receptions: true,
      deliveries: true,
      transientFailures: true,
      permanentFailures: true,
      rejections: true,
    },
    bounceLogger: undefined,
  }
}

const OWN_KEY = createHash('sha256').update('eachrcpt rehearsal').digest()

/**
 * Links are sealed by a key of their own: what a rehearsal prints must be worth nothing to who finds it, and
 * salts that repeat must never meet a real key. The configured keys only tell our own links from others.
 */
export function rehearsalKeys({ tracking }: Config): Keyring {
  const configured = tracking.keys.map(({ secret, state }) => ({
    secret,
    retired: true,
    denied: state === 'denied',
  }))
  return openKeyring([{ secret: OWN_KEY }, ...configured])
}

/** Octets of a hash over a counter. */
function makeDice(): (octets: number) => Buffer {
  let counter = 0
  return (octets) => {
    const blocks: Buffer[] = []
    for (let length = 0; length < octets; length += 32) {
      blocks.push(createHash('sha256').update(`eachrcpt ${counter++}`).digest())
    }
    return Buffer.concat(blocks).subarray(0, octets)
  }
}

/** A spool that keeps everything until it is taken. */
function makeShelf() {
  const kept = new Map<Stored, Spooled>()
  let shelved: Spooled[] = []
  const spool: Store['spool'] = {
    append(entry, data) {
      const copies = entry.copies.map(() => FRESH)
      const ways = entry.copies.map(({ routingDomain }) => ({ routingDomain }))
      const stored: Stored = { ...NOWHERE, receivedMs: entry.receivedMs, copies, ways }
      kept.set(stored, { entry, data })
      return Promise.resolve(stored)
    },
    finish: (stored) => void kept.delete(stored),
    failure: undefined,
  }
  return {
    spool,
    enqueue(stored: Stored): void {
      const spooled = kept.get(stored)
      if (spooled) shelved.push(spooled)
    },
    take(): readonly Spooled[] {
      const taken = shelved
      shelved = []
      kept.clear()
      return taken
    },
  }
}

const FRESH = { done: false, attempts: 0, nextAttemptMs: 0, note: '' }
const NOWHERE = {
  location: {
    segment: 0,
    file: '',
    sequence: 0,
    start: 0,
    dataStart: 0,
    dataBytes: 0,
    dataCrc: 0,
  },
  groups: undefined,
}

function logInto(path: string, lines: string[]): LogFile {
  const done = (): Promise<void> => Promise.resolve()
  return { path, write: (line) => void lines.push(line), flush: done, reopen: done, close: done }
}
