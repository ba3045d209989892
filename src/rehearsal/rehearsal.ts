// A policy played without a server: one client's session at a time goes through exactly the code that `serve`
// runs (dialogue, session, phases, copies, transform, acceptance), but there is no listener, no spool and no
// log file, the clock stands still, and ids and dice are the same every time. What came of it is plain data.
//
//   const rehearsal = await openRehearsal({ config })
//   const { transactions, logs } = await rehearse(rehearsal, {
//     peer: '192.0.2.1',
//     mails: [{ mailfrom: 'a@b.example', rcpttos: ['c@d.example'], message: bytes }],
//   })
//   await rehearsal.close()
//
// Step by step: `const session = await rehearsal.connect({ peer })`, then `session.say('EHLO x')`,
// `session.transact(mail)`, `session.close()`.
import { makeCensus } from '../observing/census.ts'
import type { Config } from '../config/config.ts'
import type { ListenerOptions, SmtpEndpoint } from '../config/reception.ts'
import { makeConversations } from '../conversations.ts'
import { type Generation, openGeneration } from '../generation.ts'
import { filesOf } from '../reach.ts'
import { SALT_LENGTH } from '../tracking/salt.ts'
import type { Conversation, TlsFacts } from '../smtp/conversation.ts'
import type { CalloutTrace } from '../policy/trace.ts'
import type { Watcher } from '../smtp/watcher.ts'
import { makeSharedState } from '../msys/shared/embedded.ts'
import { allowFiles } from '../lua/files.ts'
import { localFiles } from '../outside/files.ts'
import type { Outside } from '../outside/outside.ts'
import { fixtureOutside, type Fixtures, NO_FIXTURES } from './fixtures.ts'
import { openClient, type SaidReply } from './client.ts'
import { saidBy } from './recipients.ts'
import type { SessionResult, TransactionResult } from './result.ts'
import { say, sendData, type Stage, type Talk, transact } from './talk.ts'
import { FROZEN_MS, loggedConfig, makeWorld, rehearsalKeys, type World } from './world.ts'

export interface RehearsalOptions {
  readonly config: Config
  /** Epoch milliseconds; the beginning of 2026 unless given. */
  readonly startMs?: number
  /** Milliseconds of a clock for traces; it stands still unless given. */
  readonly clockMs?: () => number
  /** What DNS, HTTP and databases answer; without it they are refused by name. */
  readonly fixtures?: Fixtures
  /** Comes before fixtures. */
  readonly outside?: Partial<Outside>
}

/** The client came to a listener that is not there. */
export class NoListenError extends Error {
  override readonly name = 'NoListenError'
}

export interface Rehearsal {
  /** Begins a session; its greeting has been said. */
  connect(client?: ClientFacts): Promise<RehearsedSession>
  /** Of everything since the start. */
  readonly world: Pick<World, 'logs' | 'events' | 'now' | 'delay'> & {
    readonly trace: readonly CalloutTrace[]
  }
  /** Runs `deinit`. */
  close(): Promise<void>
}

/** Who the client is. Byte strings. */
export interface ClientFacts {
  /** 127.0.0.1 unless given. */
  readonly peer?: string
  /** Which of the configured Listens it came to, as `host:port`; the first one unless given. */
  readonly listen?: string
  /** Connection variables, as if the configuration set them. */
  readonly context?: Readonly<Record<string, string>>
  /** Variables of each message, there before policy sees it. */
  readonly messageContext?: Readonly<Record<string, string>>
  /** Whoever this is, the password is good. */
  readonly authUser?: string
  /** TLS is in use from the greeting on: `true` without a client certificate. */
  readonly tls?: true | TlsFacts
}

export interface RehearsedSession {
  readonly greeting: SaidReply
  readonly isClosed: boolean
  /** Any command but DATA: one line without its end. */
  say(line: string): Promise<SaidReply>
  /** AUTH as the user of the facts. */
  authenticate(): Promise<SaidReply>
  /** DATA and the octets, after MAIL and RCPT have been said: what the transaction came to. */
  data(message: Buffer): Promise<TransactionResult>
  /** MAIL, RCPT, DATA and the final dot, as far as they are answered with success. */
  transact(mail: Mail): Promise<TransactionResult>
  /** QUIT, unless it is closed; `abort`: the client just goes. */
  close(abort?: 'abort'): Promise<void>
}

export interface Mail {
  /** `''` for the null sender. */
  readonly mailfrom: string
  readonly rcpttos: readonly string[]
  /** Header and body. One whose lines all end in LF alone is sent with CRLF. */
  readonly message: Buffer
  /** What follows the address in MAIL, such as `BODY=8BITMIME`. */
  readonly parameters?: string
  /** Variables of this message, there before policy sees it; those of the session unless given. */
  readonly context?: Readonly<Record<string, string>>
}

export interface SessionScript extends ClientFacts {
  /** What the client calls itself; `client.example` unless given. */
  readonly helo?: string
  readonly mails: readonly Mail[]
}

const PLAIN_TLS: TlsFacts = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  bits: 256,
  peer: undefined,
}

/** Loads the policy. Raises ConfigError and PolicyError, as a start of the server does. */
export async function openRehearsal(options: RehearsalOptions): Promise<Rehearsal> {
  const world = makeWorld(options.startMs ?? FROZEN_MS)
  const config = loggedConfig(options.config)
  const stage: Stage = { world, seen: [], trace: [], told: 0, messageContext: {} }
  const generation = await openGeneration(config, {
    now: world.now,
    warn: () => {},
    events: world.recorder,
    instruments: world.instruments,
    openLog: world.openLog,
    findKeys: rehearsalKeys,
    eventId: world.eventId,
    shared: makeSharedState(world.now),
    outside: { ...outsideFor(config, world, options.fixtures), ...options.outside },
    tracer: {
      wants: () => true,
      take: (record) => void stage.trace.push(record),
      nowMs: world.now,
      clockMs: options.clockMs ?? (() => 0),
    },
  })
  const converse = makeConversations({
    current: () => generation,
    store: world.store,
    census: makeCensus(world.now),
    smtp: world.instruments.smtp,
    now: world.now,
    newSalt: () => world.randomBytes(SALT_LENGTH),
    delay: world.delay,
    watcher: watcherOf(stage),
  })
  return {
    world: Object.assign(world, { trace: stage.trace }),
    async connect(facts = {}) {
      const endpoint = endpointFor(config, facts)
      const peer = {
        remoteAddress: facts.peer ?? '127.0.0.1',
        remotePort: 40_000,
        localAddress: endpoint.address.host,
        localPort: endpoint.address.port,
      }
      const conversation = converse(endpoint, peer, { close() {}, setIdleSeconds() {} })
      return openSession(stage, generation, conversation, facts)
    },
    close: () => generation.replace(),
  }
}

/** Plays a whole session: greeting, EHLO, AUTH if there is a user, the mails, QUIT. */
export async function rehearse(
  rehearsal: Rehearsal,
  { helo = 'client.example', mails, ...facts }: SessionScript,
): Promise<SessionResult> {
  const session = await rehearsal.connect(facts)
  const { greeting } = session
  const isWelcome = greeting.code < 400
  const hello = isWelcome ? await session.say(`EHLO ${helo}`) : undefined
  const auth = isWelcome && facts.authUser ? await session.authenticate() : undefined
  const transactions: TransactionResult[] = []
  for (const mail of isWelcome ? mails : []) transactions.push(await session.transact(mail))
  await session.close()
  const { logs, events, trace } = rehearsal.world
  return { greeting, hello, auth, transactions, logs, events, trace }
}

function watcherOf(stage: Stage): Watcher {
  return {
    began({ context }) {
      for (const [name, value] of Object.entries(stage.messageContext)) {
        context.message.set(name, value)
      }
    },
    ended: (copy) => void stage.seen.push(copy),
  }
}

async function openSession(
  stage: Stage,
  generation: Generation,
  conversation: Conversation,
  { authUser, tls, messageContext = {} }: ClientFacts,
): Promise<RehearsedSession> {
  const facts = tls === undefined || tls === true ? PLAIN_TLS : tls
  const client = openClient(conversation, {
    tls: facts,
    step: () => stage.world.clock.step(),
    report: (error) => generation.journal.panic('rehearsal', String(error)),
  })
  const hail = await client.greeting()
  const isSecured = tls !== undefined && hail.code < 400 && !conversation.implicitTls
  const refusal = isSecured ? await conversation.secured(facts) : undefined
  const greeting = refusal ? saidBy(refusal) : hail
  const { keyring } = generation
  const talk: Talk = { stage, keyring, client, mailfrom: greeting, rcpttos: [] }
  return {
    greeting,
    get isClosed() {
      return client.isClosed || refusal !== undefined
    },
    say: (line) => say(talk, line),
    data: (message) => sendData(talk, message),
    authenticate() {
      const credentials = Buffer.from(`\0${authUser ?? ''}\0rehearsal`, 'latin1')
      return client.say(`AUTH PLAIN ${credentials.toString('base64')}`)
    },
    transact(mail) {
      stage.messageContext = mail.context ?? messageContext
      return transact(talk, mail)
    },
    async close(abort) {
      if (!client.isClosed && !abort) await client.say('QUIT')
      conversation.closed(abort !== undefined)
    },
  }
}

function outsideFor(config: Config, world: World, fixtures = NO_FIXTURES): Outside {
  const { fileRoots, pathMap } = filesOf(config)
  const files = localFiles(allowFiles(fileRoots, pathMap))
  return fixtureOutside(fixtures, { clock: world.clock, random: world.random, files })
}

/** The first Listen, or the one that is asked for, with what the client's facts add to its options. */
function endpointFor({ smtp }: Config, facts: ClientFacts): SmtpEndpoint {
  const endpoint = smtp.find(
    ({ address: { host, port } }) =>
      facts.listen === undefined || facts.listen === `${host}:${port}`,
  )
  if (!endpoint) {
    const what = facts.listen === undefined ? 'esmtp_listener' : `Listen ${facts.listen}`
    throw new NoListenError(`the configuration has no ${what} to rehearse with`)
  }
  return { ...endpoint, options: (address) => optionsFor(endpoint.options(address), facts) }
}

function optionsFor(options: ListenerOptions, facts: ClientFacts): ListenerOptions {
  const context = new Map([...options.context, ...Object.entries(facts.context ?? {})])
  if (facts.authUser === undefined) return { ...options, context }
  const passwords = new Map([[facts.authUser, 'rehearsal']])
  return {
    ...options,
    context,
    extensions: new Set([...options.extensions, 'AUTH PLAIN']),
    auth: {
      sources: new Map([['PLAIN', { kind: 'users', passwords }]]),
      logs: options.auth?.logs ?? false,
      needsTls: false,
      always: undefined,
    },
  }
}
