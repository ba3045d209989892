// The composition root: configuration in, a running server out. Everything that reads a clock, rolls dice
// or touches the world is made here and handed down.
import { randomBytes } from 'node:crypto'
import { type Census, makeCensus } from './census.ts'
import type { Config, HostPort, HttpEndpoint } from './config/config.ts'
import type { Loaded } from './config/load.ts'
import { deliveryHooks } from './deliveryhooks.ts'
import type { EventRecorder } from './events/journal.ts'
import { errorText } from './events/lines.ts'
import type { Events } from './events/events.ts'
import { type Generation, type GenerationSurroundings, openGeneration } from './generation.ts'
import { healthApp } from './http/health.ts'
import { openHttpListener } from './http/listener.ts'
import { trackerApp } from './http/tracker.ts'
import { wellKnownApp } from './http/wellknown.ts'
import { type Listeners, makeListeners, type Prepared, prepareAll } from './listeners.ts'
import { makeIds } from './mail/ids.ts'
import { type Counts, relayObservers } from './observers.ts'
import { type Dispatcher, makeDispatcher } from './relay/dispatcher.ts'
import { makeSessions } from './sessions.ts'
import type { Acceptance } from './smtp/reception.ts'
import type { Policy } from './policy/policy.ts'
import type { QueuedMail } from './queueconsole.ts'
import { makeQueue } from './spool/queue.ts'
import type { Spool } from './spool/spool.ts'
import { openStores, type Stores } from './stores.ts'

export interface ServerOptions {
  /** Reads the configuration: at start and at every reload. */
  load(): Loaded
  /** Tells the operator. */
  warn(text: string): void
  /** Sees every transaction that was accepted, with what was done to each copy. */
  onAccepted?(acceptance: Acceptance): void
}

export interface Server {
  readonly config: Config
  /** The addresses that are listened on, with their real ports. */
  readonly smtp: readonly HostPort[]
  readonly http: readonly HostPort[]
  /** Paths of the loaded scripts. */
  readonly scripts: readonly string[]
  /** What is queued. */
  readonly mail: QueuedMail
  /** The current one. */
  policy(): Policy
  /** Since the start. */
  readonly counts: Counts
  /** Tells the operator. */
  warn(text: string): void
  inbound(): ReturnType<Census['all']>
  /** Why no mail can be taken now; undefined: it can. */
  notReady(): string | undefined
  /** A new configuration and policy for new sessions; a broken one changes nothing, says why, and is false. */
  reload(): Promise<boolean>
  /** Goes on in new log files of the same names. */
  reopenLogs(): Promise<void>
  /** Resolves when everything logged so far is in the files. */
  flushLogs(): Promise<void>
  /** Takes no more, finishes what runs, leaves the rest in the spool. */
  close(): Promise<void>
}

/** Generations that end with their sessions: with one more, the oldest's sessions are asked to end. */
const MOST_REPLACED = 2

function makeRetirement() {
  const replaced = new Set<Generation>()
  return (old: Generation, onError: (error: unknown) => void): void => {
    replaced.add(old)
    void old
      .replace()
      .catch(onError)
      .finally(() => replaced.delete(old))
    const [oldest] = replaced
    if (replaced.size > MOST_REPLACED) oldest?.retire()
  }
}

/** Rejects with what is wrong; nothing is left open then. */
export async function openServer(options: ServerOptions): Promise<Server> {
  const { config, warnings } = options.load()
  warnings.forEach(options.warn)
  // Opened only when the spool's lock says that this folder is ours.
  let events: Events | undefined
  const { warn } = options
  const recorder = recorderOf(() => events)
  const surroundings = { now: Date.now, warn, events: recorder }
  let current = await openGeneration(config, surroundings)
  const closers: (() => Promise<void>)[] = [() => current.replace()]
  try {
    const stores = await openStores(() => current, warn)
    closers.unshift(stores.closeSpool)
    events = stores.events
    const parts = openParts(stores, () => current, options)
    closers.unshift(() => parts.close())
    const listening = await parts.prepare(config)
    listening.adopt(graceMs(config))
    await stores.report()
    for (const stored of stores.spool.recovered) parts.dispatcher.enqueue(stored)
    let work: Promise<boolean> = Promise.resolve(true)
    const retire = makeRetirement()
    const reload = async (): Promise<boolean> => {
      const next = await nextGeneration(options, surroundings, current, parts)
      if (!next) return false
      const old = current
      // All at once: no session sees the listener of one configuration and the policy of another.
      current = next.generation
      next.listening.adopt(graceMs(current.config))
      parts.dispatcher.reconfigure(current.config)
      retire(old, noteFailure)
      return true
    }
    const noteFailure = (error: unknown): false => {
      current.journal.panic('config', errorText(error))
      return false
    }
    return Object.assign(
      surfaceOf(stores, parts, () => current, warn),
      {
        // One after the other: the last signal wins.
        reload: () => (work = work.then(reload).catch(noteFailure)),
        close: () => closeAll(closers),
      },
    )
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

/** All that is not about its life. */
function surfaceOf(
  { events, notReady }: Stores,
  parts: Parts,
  current: () => Generation,
  warn: (text: string) => void,
): Omit<Server, 'reload' | 'close'> {
  return {
    get config() {
      return current().config
    },
    get smtp() {
      return parts.smtp.addresses
    },
    get http() {
      return parts.http.addresses
    },
    get scripts() {
      return current().policy.scripts
    },
    policy: () => current().policy,
    ...parts.console,
    notReady,
    warn,
    reopenLogs: async () => {
      await Promise.all([current().journal.reopen(), events.reopen()])
      await current().policy.logsReopened()
    },
    flushLogs: async () => {
      await Promise.all([current().journal.flush(), events.flush()])
    },
  }
}

interface Parts {
  readonly smtp: ReturnType<typeof makeSessions>
  readonly http: Listeners<HttpEndpoint>
  readonly dispatcher: Dispatcher
  readonly console: Pick<Server, 'mail' | 'counts' | 'inbound'>
  /** Listens where the configuration says, once it is adopted. */
  prepare(config: Config): Promise<Prepared>
  close(): Promise<void>
}

/** Nobody is for events before the log is open. */
function recorderOf(events: () => Events | undefined): EventRecorder {
  return {
    wants: (type) => events()?.wants(type) ?? false,
    append: (event) => events()?.append(event),
  }
}

function openParts(
  { spool, events, space, notReady }: Stores,
  current: () => Generation,
  options: ServerOptions,
): Parts {
  const ids = makeIds(process.pid, randomBytes(8), Date.now)
  const counts: Counts = { received: 0, delivered: 0, transient_failures: 0, failed: 0 }
  const dispatcher = makeDispatcher({
    config: current().config,
    spool,
    queue: makeQueue(),
    ids,
    observers: relayObservers(
      () => current().journal,
      counts,
      deliveryHooks(current, spool, Date.now),
    ),
    onError: (error) => current().journal.panic('relay', errorText(error)),
  })
  const { onAccepted } = options
  const census = makeCensus()
  const store = { spool, space, dispatcher, ids, counts, onAccepted }
  const smtp = makeSessions(current, store, census, Date.now)
  const http = makeListeners<HttpEndpoint>(({ address }, endpoint) =>
    openHttpListener(address, apps(notReady, current, endpoint), (error) =>
      current().journal.panic('http_listener', errorText(error)),
    ),
  )
  return {
    smtp,
    http,
    dispatcher,
    console: { counts, inbound: census.all, mail: queuedMail(spool, dispatcher) },
    prepare: (config) =>
      prepareAll(
        () => events.prepare(config),
        () => http.prepare(config.http),
        () => smtp.prepare(config.smtp),
      ),
    // Together: the grace is one for all of it. Events last, when there can be no more.
    async close() {
      const grace = graceMs(current().config)
      const endsMs = Date.now() + grace
      try {
        await Promise.all([
          smtp.close(grace),
          dispatcher.close({ graceMs: grace }),
          http.close(grace),
        ])
      } finally {
        await events.close(Math.max(0, endsMs - Date.now()))
      }
    },
  }
}

function queuedMail(
  { unfinished, read }: Pick<Spool, 'unfinished' | 'read'>,
  { retry, fail, remove }: Dispatcher,
): QueuedMail {
  return { unfinished, read, retry, fail, remove }
}

function graceMs({ shutdownGraceSeconds }: Config): number {
  return shutdownGraceSeconds * 1000
}

function apps(
  notReady: () => string | undefined,
  current: () => Generation,
  endpoint: () => HttpEndpoint,
) {
  return [
    trackerApp({
      settings: () => ({ ...current().tracker, isTrustedProxy: endpoint().isTrustedProxy }),
      nowSeconds: () => Math.floor(Date.now() / 1000),
      onEvent: (type, facts) => current().journal.event(type, facts),
    }),
    wellKnownApp(() => current().config.tracking),
    healthApp({ notReady }),
  ]
}

/** Undefined when something is wrong with it: everything stays as it was. */
async function nextGeneration(
  { load, warn }: ServerOptions,
  surroundings: GenerationSurroundings,
  current: Generation,
  parts: Parts,
): Promise<{ readonly generation: Generation; readonly listening: Prepared } | undefined> {
  let generation: Generation | undefined
  try {
    const { config, warnings } = load()
    warnings.forEach(warn)
    if (config.spoolbase !== current.config.spoolbase) {
      throw new Error('another spoolbase needs a restart')
    }
    generation = await openGeneration(config, surroundings)
    return { generation, listening: await parts.prepare(config) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const text = `reload failed, the running configuration stays: ${reason}`
    warn(text)
    current.journal.panic('config', text)
    await generation?.replace()
    return undefined
  }
}

/** All of them, whatever becomes of one; rejects with the first failure. */
async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = []
  for (const close of closers) await close().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}
