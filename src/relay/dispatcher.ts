// Drives delivery: due copies go from the spool's queue into a lane for each next hop; workers, one to a
// connection, empty the lanes. A next hop that nobody can speak to is tried with one copy at a time while
// its other copies wait unharmed. No copy outlives its expiry, whatever its lane is waiting for.
import { setImmediate as turn } from 'node:timers/promises'
import type { OutboundOptions } from '../config/config.ts'
import type { Ids } from '../mail/ids.ts'
import { type Queue, type QueueItem, wayOf } from '../spool/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { Stored } from '../spool/stored.ts'
import { openClient } from './client.ts'
import { type Clock, steadyClock } from './clock.ts'
import { headerOf } from './delivery.ts'
import { join, type Lane, makeLane, takeAll } from './lane.ts'
import { type LaneKeys, makeLaneKeys } from './lanekey.ts'
import { type Listen, makePool } from './pool.ts'
import { type Resolver, systemResolver } from './resolver.ts'
import type { Steering } from './steering.ts'
import { byEntry, makeSurgery, type Surgery } from './surgery.ts'
import { makeRoom } from './room.ts'
import { makeSheets } from './sheets.ts'
import { makeTasks } from './tasks.ts'
import { type View, viewOf } from './view.ts'
import { expire, isExpired, type RelayConfig, startWorkers, type Works } from './worker.ts'
import { expiresMs, type Observers, type Settlement } from './settlement.ts'

export interface DispatcherOptions {
  readonly config: RelayConfig
  readonly spool: Pick<
    Spool,
    'entry' | 'read' | 'finish' | 'defer' | 'replace' | 'reroute' | 'failure'
  >
  readonly queue: Queue
  readonly ids: Pick<Ids, 'batch' | 'connection' | 'message'>
  readonly observers: Observers
  readonly lastWord?: Settlement['lastWord']
  /** Faults of our own; the copy concerned is tried again later. */
  readonly onError: (error: unknown) => void
  readonly resolver?: Resolver
  readonly steering?: Steering
  /** To the connections of some domains. */
  readonly listen?: Listen | undefined
  readonly clock?: Clock
  /** From 0 up to 1, as Math.random. */
  readonly random?: () => number
}

export interface Dispatcher extends Surgery, View {
  /** Delivers what is left of an entry. */
  enqueue(stored: Stored): void
  /** The same for all that a start found, in steps: the first are on their way before the last is looked at. */
  recover(all: readonly Stored[]): Promise<void>
  /** Holds for every attempt that begins from now on. */
  reconfigure(config: RelayConfig): void
  /** Lets running attempts finish for `graceMs`; everything else stays in the spool. */
  close(options: { readonly graceMs: number }): Promise<void>
  /** Resolves when no attempt is running and none can begin now. */
  idle(): Promise<void>
}

interface State extends Works {
  readonly laneKey: LaneKeys
  readonly queue: Queue
  readonly lanes: Map<string, Lane>
  /** Of the lanes before the last change of configuration. */
  throttles: ReadonlyMap<string, Lane['throttle']>
  /** Of messages that came when the system clock was not where ours is: how far ours was before it. */
  readonly steps: WeakMap<Stored, number>
  sweptMs: number
  timer: { readonly atMs: number; readonly cancel: () => void } | undefined
}

const SWEEP_MS = 30_000
/** Of copies on their way to all next hops. */
const MAX_BYTES = 512 * 1024 * 1024
const STEP = 1_000
/** Less is no step of the system clock. */
const STEP_MS = 1_000

export function makeDispatcher(options: DispatcherOptions): Dispatcher {
  const { clock = steadyClock(), random = Math.random } = options
  const { resolver = systemResolver(options.config.dnsServers) } = options
  const { ids, spool, queue, observers, onError, config, listen } = options
  const pool = makePool((host, profile, way) => {
    const id = ids.connection()
    return openClient({ id, ...host, profile, tap: listen?.(way, { id, ...host }) })
  }, listen)
  const sheets = makeSheets()
  const settlement: Settlement = {
    spool,
    clock,
    random,
    ids,
    observers,
    receivedMs: (stored) => stored.receivedMs + (state.steps.get(stored) ?? 0),
    hostname: () => state.config.hostname,
    outbound: (item) => outboundFor(state, item),
    header: (stored, copy) => headerOf(spool, stored, copy),
    lastWord: options.lastWord,
    again: (item, dueMs) => {
      schedule(state, item, dueMs)
      arm(state)
    },
    enqueue: (stored) => enqueue(state, stored),
  }
  const state: State = {
    laneKey: makeLaneKeys(),
    clock,
    spool,
    queue,
    config,
    onError,
    settlement,
    delivery: { spool, pool, clock, resolver, random, steering: options.steering, sheets, onError },
    tasks: makeTasks(onError),
    room: makeRoom(MAX_BYTES),
    lanes: new Map(),
    throttles: new Map(),
    phase: 'open',
    steps: new WeakMap(),
    sweptMs: clock.now(),
    timer: undefined,
  }
  return {
    enqueue: (stored) => enqueue(state, stored),
    recover: (all) => recover(state, all),
    reconfigure: (config) => reconfigure(state, config),
    close: ({ graceMs }) => close(state, graceMs),
    idle: () => state.tasks.idle(),
    ...viewOf(state, pool),
    ...makeSurgery(state, spool, (items, dueMs) => {
      for (const item of items) schedule(state, item, dueMs ?? item.dueMs ?? 0)
      pump(state)
    }),
  }
}

function enqueue(state: State, stored: Stored): void {
  const aheadMs = state.clock.aheadMs()
  if (Math.abs(aheadMs) >= STEP_MS) state.steps.set(stored, aheadMs)
  stored.copies.forEach(({ done, nextAttemptMs }, copy) => {
    if (!done) schedule(state, { stored, copy }, nextAttemptMs)
  })
  pump(state)
}

async function recover(state: State, all: readonly Stored[]): Promise<void> {
  for (const [i, stored] of all.entries()) {
    enqueue(state, stored)
    if (i % STEP === STEP - 1) await turn()
  }
}

/**
 * Due at its expiry at the latest, so that no wait for a retry outlasts it; and after the longest retry
 * interval, whatever time it was when the last run wrote down the next attempt.
 */
function schedule(state: State, item: QueueItem, dueMs: number): void {
  const outbound = outboundFor(state, item)
  const longestMs = Math.max(outbound.maxRetryIntervalSeconds, outbound.retryIntervalSeconds) * 1100
  const nowMs = state.clock.now()
  const expiryMs = expiresMs(state.settlement, item, outbound)
  // What has expired and could not be ended waits its time like everything else.
  const latestMs = Math.min(expiryMs > nowMs ? expiryMs : Infinity, nowMs + longestMs)
  const key = state.laneKey(wayOf(item), state.config)
  state.queue.add(item.stored, item.copy, key, Math.min(dueMs, latestMs))
}

/** Moves what is due into lanes and starts workers there. */
function pump(state: State): void {
  const { queue, spool } = state
  if (state.phase !== 'open') return
  // Without a spool that remembers outcomes every delivery might be repeated.
  if (!spool.failure) {
    const lanes = new Set<Lane>()
    for (const key of queue.ready(state.clock.now())) {
      for (const item of queue.take(key, Number.MAX_SAFE_INTEGER)) {
        const lane = laneOf(state, item)
        join(lane, item)
        lanes.add(lane)
      }
    }
    for (const lane of lanes) startWorkers(state, lane)
  }
  arm(state)
}

/** Wakes up for the next copy that is due, and for the sweep. */
function arm(state: State): void {
  if (state.phase !== 'open') return
  const atMs = Math.min(state.queue.nextDueMs() ?? Infinity, state.sweptMs + SWEEP_MS)
  if (state.timer && state.timer.atMs <= atMs) return
  state.timer?.cancel()
  const wake = (): void => {
    state.timer = undefined
    if (state.clock.now() >= state.sweptMs + SWEEP_MS) sweep(state)
    pump(state)
  }
  const cancel = state.clock.after(Math.max(0, atMs - state.clock.now()), wake)
  state.timer = { atMs, cancel }
}

/** Fails what expired while its lane had no worker for it, and forgets lanes without mail. */
function sweep(state: State): void {
  state.sweptMs = state.clock.now()
  for (const lane of state.lanes.values()) {
    const all = takeAll(lane)
    const expired: QueueItem[] = []
    for (const item of all) {
      if (isExpired(state, item)) expired.push(item)
      else join(lane, item)
    }
    for (const [stored, copies] of byEntry(expired)) expire(state, { stored, copies })
    lane.bearable = Infinity
    if (all.length) startWorkers(state, lane)
    else if (lane.workers === 0 && lane.health === 'good') state.lanes.delete(lane.key)
  }
}

function reconfigure(state: State, config: RelayConfig): void {
  state.config = config
  const lanes = [...state.lanes.values()]
  state.lanes.clear()
  // What has been sent in this window was sent, whatever the configuration says now.
  state.throttles = new Map(
    lanes.map(({ key, throttle }) => [key, { ...throttle, heldUntilMs: -Infinity }]),
  )
  for (const lane of lanes) {
    lane.cancelBlock?.()
    lane.cancelWatch?.()
    for (const item of takeAll(lane)) schedule(state, item, 0)
  }
  pump(state)
}

async function close(state: State, graceMs: number): Promise<void> {
  state.phase = 'closing'
  state.timer?.cancel()
  for (const lane of state.lanes.values()) {
    lane.cancelBlock?.()
    lane.cancelWatch?.()
  }
  const { pool } = state.delivery
  const isOver = new Promise<void>((resolve) => {
    const cancel = state.clock.after(graceMs, resolve)
    void state.tasks.idle().then(cancel).then(resolve)
  })
  await isOver
  state.phase = 'abandoned'
  await pool.close()
}

function outboundFor(state: State, item: QueueItem): OutboundOptions {
  const { routingDomain, egress } = wayOf(item)
  return state.config.outbound(routingDomain, egress)
}

function laneOf(state: State, item: QueueItem): Lane {
  const way = wayOf(item)
  const key = state.laneKey(way, state.config)
  const present = state.lanes.get(key)
  if (present) return present
  const { routingDomain, egress } = way
  const lane = makeLane(key, routingDomain, egress, state.throttles.get(key))
  state.lanes.set(key, lane)
  return lane
}
