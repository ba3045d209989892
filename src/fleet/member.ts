// The worker's side of a fleet: says that it is alive, answers questions, hears the other workers.
import { answerTo, makeAsk } from './ask.ts'
import { ALIVE_MS, type FromWorker, type ToWorker } from './message.ts'

export interface MemberOptions {
  /** To the primary; node's process. */
  readonly channel: Channel
  /** Of ourselves, told with every sign of life. */
  status(): unknown
  /** Rejects with the reason for a no. */
  answer(request: unknown): Promise<unknown>
}

export interface Channel {
  send(message: FromWorker): void
  onMessage(listener: (message: ToWorker) => void): void
}

export interface Member {
  ready(facts: unknown): void
  /** What is so of ourselves, without waiting for the next sign of life. */
  tellStatus(): void
  /** Asks the primary; rejects when it says no. */
  ask(request: unknown): Promise<unknown>
  /** To the other workers, now. */
  say(topic: string, data: unknown): void
  /** From the other workers. */
  listen(topic: string, heard: (slot: number, data: unknown) => void): void
  onGone(listener: (slot: number) => void): void
}

export function joinFleet({ channel, status, answer }: MemberOptions): Member {
  const listeners = new Map<string, ((slot: number, data: unknown) => void)[]>()
  const mourners: ((slot: number) => void)[] = []
  const asking = makeAsk(channel.send)
  const alive = (): void => channel.send({ kind: 'alive', status: status() })
  setInterval(alive, ALIVE_MS).unref()
  channel.onMessage((message) => {
    switch (message.kind) {
      case 'ask':
        answerTo(message, answer, channel.send)
        break
      case 'answer':
      case 'failed':
        asking.answered(message)
        break
      case 'said':
        for (const heard of listeners.get(message.topic) ?? []) heard(message.slot, message.data)
        break
      case 'gone':
        for (const heard of mourners) heard(message.slot)
        break
      default:
        message satisfies never
    }
  })
  return {
    ready(facts) {
      alive()
      channel.send({ kind: 'ready', facts })
    },
    tellStatus: alive,
    ask: asking.ask,
    say: (topic, data) => channel.send({ kind: 'say', topic, data }),
    listen(topic, heard) {
      listeners.set(topic, [...(listeners.get(topic) ?? []), heard])
    },
    onGone: (listener) => void mourners.push(listener),
  }
}
