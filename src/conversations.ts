// How a session begins, and what all sessions share: the current generation, the bound on bodies in memory.
import { randomBytes } from 'node:crypto'
import { accept, queue, type Store, storeRefusal } from './acceptance.ts'
import type { Census } from './observing/census.ts'
import { VERSION } from './observing/version.ts'
import type { ListenerOptions, SmtpEndpoint } from './config/config.ts'
import { makeTally } from './fleet/tally.ts'
import type { Generation } from './generation.ts'
import type { SmtpInstruments } from './observing/instruments.ts'
import { andThen, type Eventually, MAX_TIMER_MS, orElse } from './mail/eventually.ts'
import type { Ids } from './mail/ids.ts'
import type { Reply } from './mail/reply.ts'
import { metered } from './observing/meter.ts'
import { makeRoom } from './room.ts'
import type { Conversation, Peer } from './smtp/conversation.ts'
import type { Control } from './smtp/control.ts'
import { sendNow } from './smtp/injection.ts'
import { receive, type ReceptionOptions } from './smtp/reception.ts'
import { newSession, openSession } from './smtp/session.ts'
import { refusing, TOO_MANY_SESSIONS } from './smtp/refusal.ts'
import type { SessionSurroundings } from './smtp/state.ts'
import type { Watcher } from './smtp/watcher.ts'
import { type Budgets, listenerKey, takeSeat } from './seat.ts'
import type { Spans } from './observing/spans.ts'
import { openSalts } from './tracking/salt.ts'

const MAX_INFLIGHT_BYTES = 512 * 1024 * 1024

export interface Conversing {
  readonly current: () => Generation
  readonly store: Store
  readonly census: Census
  /** Sessions by their budgets; counted here alone unless given. */
  readonly budgets?: Budgets
  /** Octets of messages that may be in memory between 354 and the reply; beyond it DATA gets 452. */
  readonly maxInflightBytes?: number
  readonly smtp: SmtpInstruments
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Octets for the salt of a message's links; random ones unless given. */
  readonly newSalt?: () => Buffer
  /** Resolves after that time; the machine's clock unless given. */
  readonly delay?: (ms: number) => Promise<void>
  /** Looks on. */
  readonly watcher?: Watcher
}

/** Begins a session of an endpoint; all of them share memory, budgets and census. */
export type Converse = (endpoint: SmtpEndpoint, peer: Peer, control: Control) => Conversation

export function makeConversations(conversing: Conversing): Converse {
  const { current, store, census, smtp, watcher } = conversing
  const { budgets = makeTally(), maxInflightBytes = MAX_INFLIGHT_BYTES } = conversing
  const room = makeRoom(maxInflightBytes)

  return (endpoint, peer, control) => {
    const generation = current()
    const seat = takeSeat(budgets, census, endpoint, peer.remoteAddress)
    smtp.connected(listenerKey(endpoint), seat !== undefined)
    if (!seat) return refusing(TOO_MANY_SESSIONS)
    generation.connected(peer.remoteAddress)
    const delays = sessionDelays()
    const release = generation.hold(() => control.close(reconfigured(seat.options())))
    const hold = room.holder()
    const reception = receptionOptions(generation, conversing)
    const { spans } = store
    const connectionId = store.ids.connection()
    control.setIdleSeconds(seat.options().idleSeconds)
    const surroundings = {
      // A getter would give every session a shape of its own, and whoever reads of it would be slow; a name behind
      // what is spread does the same.
      options: seat.options(),
      adopt({ remoteAddress }: Peer) {
        if (!seat.move(remoteAddress)) return TOO_MANY_SESSIONS
        surroundings.options = seat.options()
        control.setIdleSeconds(seat.options().idleSeconds)
        return undefined
      },
      ids: sessionIds(store.ids, connectionId),
      census: census.of(listenerKey(endpoint)),
      delay: conversing.delay ?? delays.wait,
      hasRoom: room.isLeft,
      hold,
      receive: receiver(reception, generation, hold, spans),
      watcher,
      ...commonsOf(generation, conversing, reception),
    }
    const counted = metered(openSession(peer, surroundings), smtp)
    const watched = spans ? spans.watch(connectionId, peer, counted) : counted
    return census.watch.watch(listenerKey(endpoint), peer, {
      ...watched,
      closed(aborted) {
        watched.closed(aborted)
        delays.end()
        hold(0)
        seat.leave()
        release()
      },
    })
  }
}

/** Those of a session that has its own already. */
function sessionIds({ batch, message, transmission }: Ids, connectionId: string): Ids {
  return { connection: () => connectionId, batch, message, transmission }
}

/** What is the same for all sessions of a generation. */
function commonsOf(
  generation: Generation,
  { store, now }: Conversing,
  reception: ReceptionOptions,
) {
  return {
    hostname: generation.config.hostname,
    version: VERSION,
    policy: generation.policy,
    checkSender: generation.checkSender,
    signCopy: generation.signCopy,
    isReplaced: () => generation.isReplaced,
    journal: generation.journal,
    now,
    unavailable: () => storeRefusal(store),
    send: sender(reception, generation),
  }
}

/** Lets the policy of a generation send where there is no session, as if by the first listener. */
export function lendSending(conversing: Conversing, generation: Generation): void {
  const [endpoint] = generation.config.smtp
  if (!endpoint) return
  const { host, port } = endpoint.address
  const local = { localAddress: host, localPort: port }
  const peer: Peer = { remoteAddress: '127.0.0.1', remotePort: 0, ...local }
  const options = endpoint.options(peer.remoteAddress)
  const { sending } = newSession(peer, {
    ...commonsOf(generation, conversing, receptionOptions(generation, conversing)),
    options,
    adopt: () => undefined,
    ids: conversing.store.ids,
    census: conversing.census.of(listenerKey(endpoint)),
    delay: () => Promise.resolve(),
    hasRoom: () => true,
    hold: () => true,
    receive: () => NOBODY_TALKS,
  })
  generation.policy.lend(sending)
}

const NOBODY_TALKS: Reply = { code: 503, text: 'nobody talks here' }

function reconfigured({ reconfigMessage }: ListenerOptions): Reply {
  return { code: 421, text: reconfigMessage, close: true }
}

/** Waits of one session, which end with it: nobody is left to be kept waiting. */
function sessionDelays() {
  const waits = new Set<() => void>()
  return {
    wait: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer)
          waits.delete(end)
          resolve()
        }
        const timer = setTimeout(end, Math.min(ms, MAX_TIMER_MS))
        waits.add(end)
      }),
    end(): void {
      for (const end of waits) end()
    },
  }
}

function receptionOptions(
  { config, keyring }: Generation,
  { store, watcher, newSalt = randomSalt }: Conversing,
): ReceptionOptions {
  return {
    sealing: {
      keyring,
      isTrackingEnabled: config.smtpapi !== undefined,
      isExplained: config.smtpapi?.debugLevel === 'debug',
      isLookedAt: watcher !== undefined || store.onAccepted !== undefined,
      includeMetadata: config.tracking.includeMetadata,
      maxMetadataLength: config.tracking.maxMetadataLen,
      growthLimit: config.tracking.growthLimit,
      customPrefix: config.eventHydrant?.custPrefix ?? DEFAULT_CUST_PREFIX,
    },
    newSalt,
    store: (acceptance) => accept(store, acceptance),
    queue: (session, parcels) => queue(store, session, parcels),
  }
}

const randomSalt = openSalts(randomBytes)

/** Webhooks have these variables too, also without an event_hydrant. */
const DEFAULT_CUST_PREFIX = 'cust_'

/** The generation stays open until the reply, even if the client has gone before. */
function receiver(
  options: ReceptionOptions,
  generation: Generation,
  hold: SessionSurroundings['hold'],
  spans: Spans | undefined,
): SessionSurroundings['receive'] {
  return (session, transaction, received) => {
    const release = generation.hold()
    const done = (): void => {
      hold(0)
      release()
    }
    let reply: Eventually<Reply>
    try {
      const run = () => receive(options, session, transaction, received)
      reply = spans ? spans.receiving(session, transaction, run) : run()
    } catch (error) {
      done()
      throw error
    }
    if (reply instanceof Promise) return reply.finally(done)
    done()
    return reply
  }
}

/** Policy's own message is stored even if the client has gone meanwhile. */
function sender(options: ReceptionOptions, generation: Generation): SessionSurroundings['send'] {
  return (session, injection) => {
    const release = generation.hold()
    const sent = orElse(
      () => sendNow(options, session, injection),
      (error) => String(error),
    )
    return andThen(sent, (reason) => {
      release()
      return reason
    })
  }
}
