// Keeps the events of one message in order. A scanner may follow its links while the next hop still takes it
// in, before we are told that it is delivered: such an open or click waits for the outcome, but not for long.
import { FleetingSet } from '../mail/fleeting.ts'
import type { EventType } from '../tracking/record.ts'

export interface Order {
  /** Passes it on, now or a little later. */
  take(event: OrderedEvent): void
  /** A message was accepted whose injection nobody is for. */
  accepted(messageId: string): void
  /** Passes everything on. */
  flush(): void
}

export interface OrderedEvent {
  readonly type: EventType
  readonly messageId: string
  readonly line: string
}

export const HOLD_MS = 500
/** Messages on their way that are remembered; of more, the oldest are forgotten. */
const MAX_MESSAGES = 100_000

export function makeOrder(pass: (line: string) => void): Order {
  const onTheirWay = new FleetingSet<string>()
  const held = new Map<string, string[]>()

  const release = (messageId: string): void => {
    onTheirWay.delete(messageId)
    const lines = held.get(messageId) ?? []
    held.delete(messageId)
    lines.forEach(pass)
  }
  const remember = (messageId: string): void => {
    onTheirWay.add(messageId)
    const [oldest] = onTheirWay
    if (onTheirWay.size > MAX_MESSAGES && oldest !== undefined) release(oldest)
  }
  const hold = ({ messageId, line }: OrderedEvent): void => {
    const lines = held.get(messageId)
    if (lines) return void lines.push(line)
    held.set(messageId, [line])
    setTimeout(() => release(messageId), HOLD_MS).unref()
  }

  return {
    accepted: remember,
    take(event) {
      const { type, messageId, line } = event
      switch (type) {
        case 'injection':
          pass(line)
          return remember(messageId)
        case 'delivery':
        case 'delay':
        case 'bounce':
          pass(line)
          return release(messageId)
        case 'policy_rejection':
          return pass(line)
        case 'open':
        case 'initial_open':
        case 'click':
        case 'link_unsubscribe':
          return onTheirWay.has(messageId) ? hold(event) : pass(line)
        default:
          return type satisfies never
      }
    },
    flush() {
      for (const messageId of held.keys()) release(messageId)
    },
  }
}
