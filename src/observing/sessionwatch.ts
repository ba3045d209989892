// What each client is doing right now, for `show inbound`: the state that its session is in, by the names that
// rejectlog has for them, and since when.
import { FleetingSet } from '../mail/fleeting.ts'
import type { Eventually } from '../mail/eventually.ts'
import { andThen } from '../mail/eventually.ts'
import type { Reply } from '../mail/reply.ts'
import type { Conversation, Peer } from '../smtp/conversation.ts'

export interface WatchedSession {
  /** Where it listens: `127.0.0.1:25`. */
  readonly listener: string
  /** Of the client. */
  readonly address: string
  readonly port: number
  readonly state: string
  /** Epoch milliseconds. */
  readonly sinceMs: number
}

export interface SessionWatch {
  /** The same conversation, which is listed until it is closed. */
  watch(listener: string, peer: Peer, conversation: Conversation): Conversation
  /** The oldest first. */
  all(): readonly WatchedSession[]
}

const GREETED = 'awaiting ehlo/helo'
const READY = 'awaiting mailfrom'
const IN_MAIL = 'awaiting rcptto'

/** While a command is worked on, and after it has gone well; others change nothing. */
const COMMANDS: Readonly<Record<string, readonly [during: string, after: string]>> = {
  EHLO: ['sending ehlo/helo response', READY],
  HELO: ['sending ehlo/helo response', READY],
  MAIL: ['sending mailfrom response', IN_MAIL],
  RCPT: ['sending rcptto response', IN_MAIL],
  RSET: [READY, READY],
}

export function makeSessionWatch(now: () => number): SessionWatch {
  const sessions = new FleetingSet<WatchedSession>()
  return {
    all: () => [...sessions],
    watch(listener, { remoteAddress, remotePort }, conversation) {
      const session = {
        listener,
        address: remoteAddress,
        port: remotePort,
        state: 'just connected',
        sinceMs: now(),
      }
      sessions.add(session)
      const enter = (state: string): void => {
        if (state === session.state) return
        session.state = state
        session.sinceMs = now()
      }
      const during = <T extends Reply>(
        work: () => Eventually<T>,
        [state, after]: readonly [string, string],
      ): Eventually<T> => {
        const before = session.state
        enter(state)
        return andThen(work(), (reply) => {
          enter(reply.code < 400 ? after : before)
          return reply
        })
      }
      return {
        ...conversation,
        greet: () => during(() => conversation.greet(), ['sending banner', GREETED]),
        command(command) {
          const states = COMMANDS[command.verb]
          const work = () => conversation.command(command)
          return states ? during(work, states) : work()
        },
        data(command) {
          const limits = conversation.data(command)
          if (!('code' in limits)) enter('reading body')
          return limits
        },
        received: (received) =>
          andThen(
            during(() => conversation.received(received), ['async body response', READY]),
            (reply) => {
              enter(READY)
              return reply
            },
          ),
        closed(aborted) {
          sessions.delete(session)
          conversation.closed(aborted)
        },
      }
    },
  }
}
