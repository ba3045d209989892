// How node:cluster hands connections to workers: it gives one to whoever has answered for its last one. Of a few that
// come at once and stay, the same worker may get most; what a worker refuses may stay open in the primary for ever, and
// so what it was given and had not answered when it ended, or what never reached it. Here the handout decides; by the
// messages that node:cluster sends: `newconn`, answered with `ack`. Until then no other connection comes on that turn.
import type { Worker } from 'node:cluster'
import type { AddressInfo } from 'node:net'
import type { Load } from '../fleet/balance.ts'
import { makeHandout } from '../fleet/handout.ts'

export interface Handover {
  /** From its first connection on. */
  join(worker: Worker): void
  heard(worker: Worker, loads: readonly Load[]): void
}

interface ClusterMessage {
  readonly act?: string
  readonly seq?: number
  ack?: number | undefined
  accepted?: boolean
}

/** A connection, as node:cluster has it. */
interface Handle {
  getsockname?(address: Partial<AddressInfo>): number
}

type Send = (...args: readonly unknown[]) => boolean

/** `warn` tells the operator. */
export function makeHandover(warn: (text: string) => void): Handover {
  const senders = new WeakMap<Worker, Send>()
  const handout = makeHandout<Worker>({
    isThere: ({ process: child }) => child.connected,
    onLost: ({ process: { pid } }) =>
      warn(`a connection has not reached process ${pid}: has it too many files open?`),
    now: () => performance.now(),
    after: (ms, task) => void setTimeout(task, ms).unref(),
  })
  return {
    join(worker) {
      const { process: child } = worker
      const send = child.send.bind(child) as Send
      senders.set(worker, send)
      handout.join(worker)
      child.send = (...args: readonly unknown[]): boolean => {
        const [message, handle] = args as [ClusterMessage, Handle | undefined]
        const { act, seq } = message
        if (act !== 'newconn' || seq === undefined) return send(...args)
        handout.offer({
          id: seq,
          port: portOf(handle),
          turn: worker,
          send: (chosen) => void senders.get(chosen)?.(...args),
          drop: () => answer(worker, seq),
        })
        return true
      }
      // Before node:cluster hears it.
      child.prependListener('internalMessage', (message: ClusterMessage) => {
        const { ack, accepted } = message
        if (ack === undefined) return
        // Where it is over, taken or not, node:cluster closes its side of it.
        if (handout.answered(worker, ack, accepted === true) === 'over') message.accepted = true
        else message.ack = undefined
      })
      child.once('exit', () => handout.gone(worker))
    },
    heard: handout.heard,
  }
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
