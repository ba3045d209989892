// Workers empty a lane, each over one connection at a time. When a next hop refuses one more connection
// while others work, there are as many as it bears; when it refuses the last one too, the lane is blocked
// for a while and then tried with one copy at a time. Only that copy is charged an attempt.
import type { Config, OutboundOptions } from '../config/config.ts'
import { isOutOfQueue } from '../spool/error.ts'
import type { QueueItem } from '../spool/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { Tried } from './attempt.ts'
import type { Clock } from './clock.ts'
import { deliver, type Delivery } from './delivery.ts'
import {
  type Batch,
  copyAt,
  join,
  type Lane,
  nextBatch,
  type OpenBatch,
  type Throttle,
  waiting,
} from './lane.ts'
import { EXPIRED, outcome, STAGES } from './outcome.ts'
import { expiresMs, settle, settleUntried, type Settlement } from './settlement.ts'
import type { Room } from './room.ts'
import type { Tasks } from './tasks.ts'

export type RelayConfig = Pick<Config, 'hostname' | 'outbound'> &
  Partial<Pick<Config, 'dnsServers'>>

export interface Works {
  readonly clock: Clock
  readonly spool: Pick<Spool, 'failure'>
  readonly settlement: Settlement
  readonly delivery: Delivery
  readonly tasks: Tasks
  /** For copies on their way, of all lanes. */
  readonly room: Room
  readonly onError: (error: unknown) => void
  config: RelayConfig
  /** `closing`: nothing begins; `abandoned`: what ends now was ended by us. */
  phase: 'open' | 'closing' | 'abandoned'
}

/** A lane is blocked for a quarter of its retry interval, but not longer than this. */
const MAX_BLOCK_MS = 30_000
const STALL_MS = 1_000
/** Where the configuration sets no limit. */
const MAX_WORKERS = 500
/** After a fault of our own. */
const FAULT_RETRY_MS = 60_000

const EXPIRY = outcome(STAGES.notConnected, EXPIRED)

export function startWorkers(works: Works, lane: Lane): void {
  const { maxOutboundConnections, suspendDelivery } = works.config.outbound(
    lane.domain,
    lane.egress,
  )
  // Without a spool that remembers outcomes a worker takes nothing.
  if (suspendDelivery || works.spool.failure || works.phase !== 'open') return
  // Asked for each: a worker may find out that the lane has to wait.
  const isHeld = (): boolean => works.clock.now() < lane.throttle.heldUntilMs
  const most = Math.min(maxOutboundConnections || MAX_WORKERS, lane.bearable)
  const limit = { good: most, suspect: 1, blocked: 0 }
  const isNeeded = (): boolean =>
    lane.workers < waiting(lane) || (waiting(lane) > 0 && isStalled(works, lane))
  while (!isHeld() && lane.workers < limit[lane.health] && isNeeded()) {
    lane.workers++
    works.tasks.run(() => work(works, lane))
  }
  if (lane.workers > 0 && waiting(lane) > 0) watch(works, lane)
}

/** No worker has come for more for a while: their peers are slow, or take nothing at all. */
function isStalled({ clock }: Works, lane: Lane): boolean {
  return clock.now() - lane.takenMs >= STALL_MS
}

/** What waits behind such workers gets another. */
function watch(works: Works, lane: Lane): void {
  lane.cancelWatch ??= works.clock.after(STALL_MS, () => {
    lane.cancelWatch = undefined
    startWorkers(works, lane)
  })
}

/** Fails copies without trying them. */
export function expire(works: Works, batch: Batch): void {
  works.tasks.run(() => settleUntried(works.settlement, batch, EXPIRY))
}

export function isExpired(works: Works, item: QueueItem): boolean {
  return works.clock.now() >= expiresMs(works.settlement, item, works.settlement.outbound(item))
}

async function work(works: Works, lane: Lane): Promise<void> {
  let isWelcome = true
  while (isWelcome && works.phase === 'open' && lane.health !== 'blocked' && !works.spool.failure) {
    const outbound = works.config.outbound(lane.domain, lane.egress)
    const { messages } = lane.throttle
    const allowance = allowanceOf(works, lane, messages, outbound.throttleMessages)
    if (outbound.suspendDelivery || allowance === 0) break
    const most = works.delivery.steering?.wants() ? 1 : outbound.maxRecipientsPerBatch
    const batch = nextBatch(lane, Math.min(allowance, most))
    if (!batch) break
    lane.takenMs = works.clock.now()
    messages.count += batch.copies.length
    if (isExpired(works, { stored: batch.stored, copy: batch.copies[0] ?? 0 })) {
      expire(works, batch)
    } else {
      isWelcome = await attempt(works, lane, batch, outbound)
    }
  }
  lane.workers--
  if (waiting(lane) === 0) lane.lastRead = undefined
  else if (works.phase === 'open' && !works.spool.failure) startWorkers(works, lane)
}

/** How many copies may go now; none: the lane goes on by itself when more may. */
function allowanceOf(
  works: Works,
  lane: Lane,
  window: Throttle['messages'],
  { count, seconds }: OutboundOptions['throttleMessages'],
): number {
  if (count === 0) return Infinity
  const { throttle } = lane
  const nowMs = works.clock.now()
  const endMs = window.sinceMs + seconds * 1000
  if (nowMs >= endMs) Object.assign(window, { sinceMs: nowMs, count: 0 })
  else if (window.count >= count && throttle.heldUntilMs < endMs) {
    throttle.heldUntilMs = endMs
    works.clock.after(endMs - nowMs, () => {
      if (works.phase === 'open') startWorkers(works, lane)
    })
  }
  return Math.max(0, count - window.count)
}

/** Room for a copy, first beside others of its lane: one that takes nothing must not hold up all. */
function enter({ room }: Works, lane: Lane, bytes: number): Promise<() => void> | (() => void) {
  const first = lane.room.enter(bytes)
  const then = (leaveLane: () => void): Promise<() => void> | (() => void) => {
    const both = (leave: () => void) => () => {
      leave()
      leaveLane()
    }
    const second = room.enter(bytes)
    return second instanceof Promise ? second.then(both) : both(second)
  }
  return first instanceof Promise ? first.then(then) : then(first)
}

/** Whether the next hop let us speak to it. */
async function attempt(
  works: Works,
  lane: Lane,
  batch: Batch,
  outbound: OutboundOptions,
): Promise<boolean> {
  const { stored, copies } = batch
  const items = copies.map((copy): QueueItem => ({ stored, copy }))
  const startedMs = works.clock.now()
  let tried: Tried
  let open: OpenBatch
  let leave = (): void => {}
  try {
    open = { entry: await works.delivery.spool.entry(stored), ...batch }
    const entering = enter(works, lane, copyAt(open.entry, copies[0] ?? 0).sizeBytes)
    if (entering instanceof Promise) {
      leave = await entering
      if (works.phase !== 'open') {
        for (const item of items) join(lane, item)
        return false
      }
    } else leave = entering
    const mayConnect = (): boolean => {
      const { connections } = lane.throttle
      if (allowanceOf(works, lane, connections, outbound.throttleConnections) === 0) return false
      connections.count++
      return true
    }
    tried = { startedMs, ...(await deliver(works.delivery, lane, open, outbound, mayConnect)) }
  } catch (error) {
    works.onError(error)
    // The spool has set aside what it finds damaged; everything else may pass.
    const isLost = isOutOfQueue(error)
    const dueMs = works.clock.now() + FAULT_RETRY_MS
    for (const item of isLost ? [] : items) works.settlement.again(item, dueMs)
    return false
  } finally {
    leave()
  }
  // Whatever it looks like, the connection was ended by us: the copies stay in the spool as they are.
  if (works.phase === 'abandoned' && !tried.outcomes.some(isDelivered)) return false
  if (tried.isHeld) {
    lane.throttle.messages.count -= copies.length
    for (const item of items) join(lane, item)
    return false
  }
  if (tried.isUnreachable && lane.workers > 1) {
    lane.bearable = lane.workers - 1
    for (const item of items) join(lane, item)
    return false
  }
  works.tasks.run(() => settle(works.settlement, open, tried))
  if (tried.isUnreachable) block(works, lane, outbound)
  else if (lane.health === 'suspect') {
    lane.health = 'good'
    startWorkers(works, lane)
  }
  return !tried.isUnreachable
}

function block(works: Works, lane: Lane, { retryIntervalSeconds }: OutboundOptions): void {
  if (lane.health === 'blocked') return
  lane.health = 'blocked'
  const blockMs = Math.min(MAX_BLOCK_MS, retryIntervalSeconds * 250)
  lane.cancelBlock = works.clock.after(blockMs, () => {
    lane.health = 'suspect'
    if (works.phase === 'open') startWorkers(works, lane)
  })
}

function isDelivered({ kind }: { readonly kind: string }): boolean {
  return kind === 'delivered'
}
