// Fakes for tests of the dispatcher: a clock that moves when told, and a spool in memory.
import type { OutboundOptions } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'
import { profileOf } from '../../src/relay/profile.ts'
import type { Rendition } from '../../src/mail/rendition.ts'
import type { Clock } from '../../src/relay/clock.ts'
import type { Dispatcher } from '../../src/relay/dispatcher.ts'
import { type Entry, type EntryCopy, rerouted } from '../../src/spool/entry.ts'
import type { CopyState } from '../../src/spool/journal.ts'
import type { Spool } from '../../src/spool/spool.ts'
import type { Stored } from '../../src/spool/stored.ts'
import { storedFor } from '../spool/fixtures.ts'

export const MESSAGE = 'Subject: x\r\nFrom: a@from.test\r\n\r\nbody\r\n'
export const DEFAULTS: OutboundOptions = parseConfig('', 'eachrcpt.conf', {
  lenient: false,
  defaultHostname: 'us.test',
  folder: '/conf',
}).config.outbound('to.test')

/** As without any option. */
export const PROFILE = profileOf(DEFAULTS, '', undefined)

export const START_MS = 1_800_000_000_000

export interface FakeClock extends Clock {
  set(ms: number): void
  /** The system clock goes on from elsewhere. */
  step(ms: number): void
  /** Moves on and runs what became due. */
  tick(ms: number): void
  advance(ms: number, relay: Dispatcher): Promise<void>
}

export function fakeClock(): FakeClock {
  let nowMs = START_MS
  let aheadMs = 0
  const timers = new Set<{ atMs: number; action: () => void }>()
  const clock: FakeClock = {
    now: () => nowMs,
    aheadMs: () => aheadMs,
    step: (ms) => void (aheadMs -= ms),
    after(delayMs, action) {
      const timer = { atMs: nowMs + delayMs, action }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    set: (ms) => void (nowMs = ms),
    tick(ms) {
      nowMs += ms
      for (const timer of Array.from(timers)) {
        if (timer.atMs <= nowMs && timers.delete(timer)) timer.action()
      }
    },
    async advance(ms, relay) {
      clock.tick(ms)
      await relay.idle()
    },
  }
  return clock
}

interface AddOptions extends Pick<EntryCopy, 'egress' | 'priority'> {
  readonly sizeBytes?: number
  readonly personal?: boolean
  readonly mailfrom?: string
  /** By the system clock. */
  readonly receivedMs?: number
}

export interface FakeSpool {
  readonly spool: Pick<
    Spool,
    'entry' | 'read' | 'finish' | 'defer' | 'replace' | 'reroute' | 'failure'
  >
  readonly clock: FakeClock
  readonly replaced: { stored: Stored; copies: readonly number[] }[]
  add(rcpttos: readonly string[], options?: AddOptions): Stored
  unfinished(): string[]
  rejectNext(error: Error): void
  failReads(...errors: Error[]): void
  break(): void
}

export function fakeSpool(clock: FakeClock): FakeSpool {
  const states = new Map<Stored, CopyState[]>()
  const data = new Map<Stored, Buffer>()
  const entries = new Map<Stored, Entry>()
  const replaced: FakeSpool['replaced'] = []
  const rejections: Error[] = []
  const readErrors: Error[] = []
  let failure: Error | undefined

  const keep = (entry: Entry, bytes: Buffer): Stored => {
    const copies: CopyState[] = []
    const stored = { ...storedFor(entry), copies }
    copies.push(...storedFor(entry).copies)
    states.set(stored, copies)
    entries.set(stored, entry)
    data.set(stored, bytes)
    return stored
  }
  const change = (stored: Stored, copy: number, state: Partial<CopyState>): void => {
    const copies = states.get(stored)
    if (copies?.[copy]) copies[copy] = { ...copies[copy], ...state }
  }
  const spool: FakeSpool['spool'] = {
    get failure() {
      return failure
    },
    entry: (stored) => Promise.resolve(entries.get(stored) ?? unknown()),
    read(stored) {
      const error = readErrors.shift()
      return error ? Promise.reject(error) : Promise.resolve(data.get(stored) ?? Buffer.alloc(0))
    },
    finish(stored, copies, _, onWritten) {
      for (const copy of copies) change(stored, copy, { done: true })
      onWritten?.()
    },
    defer: (stored, copy, deferral) => change(stored, copy, deferral),
    replace(stored, copies, product) {
      const error = rejections.shift()
      if (error) return Promise.reject(error)
      replaced.push({ stored, copies })
      spool.finish(stored, copies)
      return Promise.resolve(keep(product.entry, product.data))
    },
    reroute(stored, ways) {
      const error = rejections.shift()
      if (error) return Promise.reject(error)
      const entry = rerouted(entries.get(stored) ?? unknown(), ways)
      entries.set(stored, entry)
      Object.assign(stored, { ways: storedFor(entry).ways })
      return Promise.resolve(true)
    },
  }
  return {
    spool,
    clock,
    replaced,
    add(
      rcpttos,
      { personal = false, mailfrom = 'a@from.test', receivedMs = START_MS, ...own } = {},
    ) {
      const rendition = (rcptto: string): Rendition => ({
        pieces: [[0, MESSAGE.length], ...(personal ? [[0, 0, rcptto.length + 2, 0] as const] : [])],
        holes: personal ? [`${rcptto}\r\n`] : [],
      })
      const context = { connection: {}, message: {} }
      const batchId = `00/00-9-0000000${states.size}`
      const copies = rcpttos.map((rcptto, i) => ({
        id: `${i}0/00-9-0000000${states.size}`,
        rcptto,
        routingDomain: rcptto.slice(rcptto.indexOf('@') + 1),
        mailfrom,
        rendition: rendition(rcptto),
        sizeBytes: MESSAGE.length,
        context,
        facts: {},
        ...own,
      }))
      const common = {
        batchId,
        connectionId: 'c',
        receivedMs,
        mailfrom,
        facts: {},
        context,
      }
      return keep({ ...common, copies }, Buffer.from(MESSAGE))
    },
    unfinished: () =>
      [...entries].flatMap(([stored, entry]) =>
        entry.copies.filter((_, i) => !stored.copies[i]?.done).map(({ rcptto }) => rcptto),
      ),
    rejectNext: (error) => void rejections.push(error),
    failReads: (...errors) => void readErrors.push(...errors),
    break: () => void (failure = new Error('broken')),
  }
}

function unknown(): never {
  throw new Error('not of this spool')
}
