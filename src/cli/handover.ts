// How node:cluster hands connections to workers. It gives one to whoever has taken its last one, so that of a few
// that come at once and stay the same worker may get most: here the one with the fewest gets it. And what a worker
// was given and had not taken when it ended would stay open for ever, its client waiting. Both by the messages that
// node:cluster sends: `newconn`, answered with `ack`.
import type { Worker } from 'node:cluster'
import type { AddressInfo } from 'node:net'
import { type Balance, type Load, makeBalance } from '../fleet/balance.ts'

export interface Handover {
  /** From its first connection on. */
  join(worker: Worker): void
  heard(worker: Worker, loads: readonly Load[]): void
}

interface ClusterMessage {
  readonly act?: string
  readonly seq?: number
  readonly ack?: number
  readonly accepted?: boolean
}

/** A connection, as node:cluster has it. */
interface Handle {
  getsockname?(address: Partial<AddressInfo>): number
}

/** What a worker was given and has not answered. */
interface Pending {
  /** Whose turn it was: it gets no other before this one is answered. */
  readonly turn: Worker
  readonly port: number
  readonly givenMs: number
}

/** One that has not taken a connection for so long is busy, or stuck. */
const BUSY_MS = 100

export function makeHandover(): Handover {
  const pending = new Map<Worker, Map<number, Pending>>()
  const balance = makeBalance<Worker>((worker) => isFree(worker, pending.get(worker)))
  return {
    join(worker) {
      const own = new Map<number, Pending>()
      pending.set(worker, own)
      redirect(worker, balance, pending)
      const { process: child } = worker
      child.on('internalMessage', ({ ack, accepted }: ClusterMessage) => {
        const answered = ack === undefined ? undefined : own.get(ack)
        if (ack === undefined || !answered) return
        own.delete(ack)
        if (!accepted) balance.returned(worker, answered.port)
      })
      child.once('exit', () => {
        balance.gone(worker)
        pending.delete(worker)
        for (const [seq, { turn }] of own) answer(turn, seq)
      })
    },
    heard: balance.heard,
  }
}

/** What is meant for a worker may go to another one; what it has been sent is counted. */
function redirect(
  worker: Worker,
  balance: Balance<Worker>,
  pending: ReadonlyMap<Worker, Map<number, Pending>>,
): void {
  const { process: child } = worker
  const send = child.send.bind(child) as (...args: readonly unknown[]) => boolean
  senders.set(worker, send)
  child.send = (...args: readonly unknown[]): boolean => {
    const [message, handle] = args as [ClusterMessage, Handle | undefined]
    const { act, seq } = message
    if (act !== 'newconn' || seq === undefined) return send(...args)
    const port = portOf(handle)
    const chosen = balance.choose(port, worker)
    balance.given(chosen, port)
    pending.get(chosen)?.set(seq, { turn: worker, port, givenMs: performance.now() })
    return (senders.get(chosen) ?? send)(...args)
  }
}

const senders = new WeakMap<Worker, (...args: readonly unknown[]) => boolean>()

function isFree(worker: Worker, pending: ReadonlyMap<number, Pending> | undefined): boolean {
  if (!pending || !worker.process.connected) return false
  const [oldest] = pending.values()
  return !oldest || performance.now() - oldest.givenMs < BUSY_MS
}

/** Says that a connection was taken: node:cluster closes its side of it, and the next one may come. */
function answer({ process: child }: Worker, ack: number): void {
  child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack, accepted: true })
}

/** 0: of no port. */
function portOf(handle: Handle | undefined): number {
  const address: Partial<AddressInfo> = {}
  handle?.getsockname?.(address)
  return address.port ?? 0
}
