// The composition root: configuration in, a running server out. Everything that reads a clock, rolls dice
// or touches the world is made here and handed down.
import { randomBytes } from 'node:crypto'
import { type Census, makeCensus } from './census.ts'
import { type Collector, openCollector } from './collector.ts'
import type { Config, HostPort, HttpEndpoint } from './config/config.ts'
import type { Loaded } from './config/load.ts'
import { deliveryHooks } from './deliveryhooks.ts'
import { closeAll, closeInTime } from './closing.ts'
import { endpointApps } from './endpoints.ts'
import type { EventRecorder } from './events/journal.ts'
import { errorText } from './events/lines.ts'
import type { Events } from './events/events.ts'
import { type Feed, makeFeed, type News } from './feed.ts'
import { watchGauges } from './gauges.ts'
import { type Generation, openGeneration } from './generation.ts'
import { openHttpListener } from './http/listener.ts'
import { type Listeners, makeListeners, type Prepared, prepareAll } from './listeners.ts'
import { type Instruments, makeInstruments } from './instruments.ts'
import { type Ids, makeIds } from './mail/ids.ts'
import type { Snapshot } from './metrics/snapshot.ts'
import { type Counts, relayObservers } from './observers.ts'
import { type Overview, overviewOf } from './overview.ts'
import { type Dispatcher, makeDispatcher } from './relay/dispatcher.ts'
import { openSeries } from './seriesstore.ts'
import type { Observers } from './relay/settlement.ts'
import { makeSessions } from './sessions.ts'
import type { Acceptance } from './smtp/reception.ts'
import type { Place } from './place.ts'
import type { Policy } from './policy/policy.ts'
import { type QueuedMail, queuedMail } from './queueconsole.ts'
import { makeQueue } from './spool/queue.ts'
import { makeReloads, makeRetirement, type ReloadOptions, type Reloads } from './reload.ts'
import { startTraces, type Traces, type TraceSettings } from './traces.ts'
import { openStores, type Stores } from './stores.ts'
import type { Suspensions } from './suspensions.ts'
import type { Environment } from './telemetry/settings.ts'

export interface ServerOptions {
  /** Reads the configuration: at start and at every reload. */
  load(): Loaded
  /** Tells the operator. */
  warn(text: string): void
  /** Undefined: nothing is traced until the console asks for it. */
  readonly trace?: TraceSettings | undefined
  /** Among workers; without it this process is alone. */
  readonly place?: Place
  /** Whether and where traces go: the variables of OpenTelemetry. None: nowhere. */
  readonly environment?: Environment
  /** Sees every transaction that was accepted, with what was done to each copy. */
  onAccepted?(acceptance: Acceptance): void
}

export interface Server extends Reloads {
  readonly config: Config
  /** The addresses that are listened on, with their real ports. */
  readonly smtp: readonly HostPort[]
  readonly http: readonly HostPort[]
  /** Paths of the loaded scripts. */
  readonly scripts: readonly string[]
  /** What is queued. */
  readonly mail: QueuedMail
  /** Where delivery is suspended. */
  readonly suspensions: Pick<Suspensions, 'list' | 'suspend' | 'resume'>
  /** The current one. */
  policy(): Policy
  /** Since the start. */
  readonly counts: Counts
  readonly traces: Traces
  /** Tells the operator. */
  warn(text: string): void
  inbound(): ReturnType<Census['all']>
  /** What each session is doing. */
  sessions(): ReturnType<Census['watch']['all']>
  /** All metrics, as they are now. */
  metrics(): Snapshot
  /** What there is to see now, and what has happened since that number of the last news. */
  news(since: number): PageNews
  /** Why no mail can be taken now; undefined: it can. */
  notReady(): string | undefined
  /** Goes on in new log files of the same names. */
  reopenLogs(): Promise<void>
  /** Resolves when everything logged so far is in the files. */
  flushLogs(): Promise<void>
  /** Takes no more, finishes what runs, leaves the rest in the spool. */
  close(): Promise<void>
}

/** Plain data. */
export interface PageNews extends News {
  readonly overview: Overview
}

/** Rejects with what is wrong; nothing is left open then. */
export async function openServer(options: ServerOptions): Promise<Server> {
  const { warn } = options
  const { config, warnings } = options.load()
  warnings.forEach(warn)
  // Opened only when the spool's lock says that this folder is ours.
  let events: Events | undefined
  const feed = makeFeed(Date.now)
  const recorder = recorderOf(() => events, feed)
  const instruments = makeInstruments()
  const traces = await startTraces(options.trace, warn)
  const collector = openCollector(options.environment ?? {}, warn)
  const closers: (() => Promise<void>)[] = [() => traces.close()]
  const series = openSeries(config, options.place?.slot ?? 0, warn)
  try {
    const surroundings = {
      now: Date.now,
      warn,
      events: recorder,
      instruments,
      shared: series.state,
      tracer: collector.tracing(traces),
    }
    let current = await openGeneration(config, surroundings)
    closers.unshift(() => current.replace())
    const stores = await openStores(() => current, warn, instruments.sinks, options.place)
    closers.unshift(stores.closeSpool)
    // Last: policy counts until it is closed.
    closers.push(series.begin())
    events = stores.events
    const parts = openParts(stores, () => current, options, instruments, feed, collector)
    closers.unshift(() => parts.close())
    const listening = await parts.prepare(config)
    listening.adopt(graceMs(config))
    instruments.policy.loaded(current.policy)
    await stores.report()
    await parts.dispatcher.recover(stores.spool.recovered)
    const retire = makeRetirement()
    const noteFailure = (error: unknown): void => current.journal.panic('config', errorText(error))
    const reloading: ReloadOptions = {
      ...options,
      surroundings,
      current: () => current,
      listen: parts.prepare,
      adopt({ generation, listening: next }) {
        const old = current
        // All at once: no session sees the listener of one configuration and the policy of another.
        current = generation
        next.adopt(graceMs(current.config))
        parts.dispatcher.reconfigure(stores.suspensions.apply(current.config))
        retire(old, noteFailure)
      },
    }
    const surface = surfaceOf(stores, parts, traces, () => current, warn)
    return Object.assign(surface, { ...makeReloads(reloading), close: () => closeAll(closers) })
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

/** All that is not about its life. */
function surfaceOf(
  { events, notReady }: Stores,
  parts: Parts,
  traces: Traces,
  current: () => Generation,
  warn: (text: string) => void,
): Omit<Server, keyof Reloads | 'close'> {
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
    traces,
    reopenLogs: async () => {
      await Promise.all([current().journal.reopen(), events.reopen(), traces.reopen()])
      await current().policy.logsReopened()
    },
    flushLogs: async () => {
      await Promise.all([current().journal.flush(), events.flush(), traces.flush()])
    },
  }
}

interface Parts {
  readonly smtp: ReturnType<typeof makeSessions>
  readonly http: Listeners<HttpEndpoint>
  readonly dispatcher: Dispatcher
  readonly console: Pick<
    Server,
    'mail' | 'suspensions' | 'counts' | 'inbound' | 'sessions' | 'metrics' | 'news'
  >
  /** Listens where the configuration says, once it is adopted. */
  prepare(config: Config): Promise<Prepared>
  close(): Promise<void>
}

/** Nobody is for events before the log is open. */
function recorderOf(events: () => Events | undefined, feed: Feed): EventRecorder {
  return {
    wants: (type) => feed.isWatched() || (events()?.wants(type) ?? false),
    append(event) {
      feed.happened(event.line)
      if (events()?.wants(event.type)) events()?.append(event)
    },
  }
}

function openParts(
  stores: Stores,
  current: () => Generation,
  { onAccepted }: ServerOptions,
  instruments: Instruments,
  feed: Feed,
  collector: Collector,
): Parts {
  const { spool, events, space, suspensions, notReady } = stores
  const { storing, tracking } = instruments
  const ids = makeIds(process.pid, randomBytes(8), Date.now)
  const counts: Counts = { received: 0, delivered: 0, transient_failures: 0, failed: 0 }
  const { spans } = collector
  const dispatcher = openRelay(stores, ids, current, counts, instruments, [feed, collector])
  suspensions.watch(() => dispatcher.reconfigure(suspensions.apply(current().config)))
  const census = makeCensus(Date.now)
  const store = { spool, space, dispatcher, ids, counts, storing, feed, spans, onAccepted }
  const smtp = makeSessions({ current, store, census, smtp: instruments.smtp, now: Date.now })
  const gauges = watchGauges(instruments.registry, { ...stores, dispatcher, census, now: Date.now })
  const overview = (): Overview =>
    overviewOf(current().config, notReady(), gauges.snapshot(), dispatcher.lanes())
  const served = { current, notReady, metrics: gauges.snapshot, tracking }
  const http = makeListeners<HttpEndpoint>(({ address }, endpoint) =>
    openHttpListener(address, endpointApps(served, endpoint), (error) =>
      current().journal.panic('http_listener', errorText(error)),
    ),
  )
  return {
    smtp,
    http,
    dispatcher,
    console: {
      counts,
      inbound: census.all,
      sessions: census.watch.all,
      mail: queuedMail(spool, dispatcher),
      suspensions,
      metrics: gauges.snapshot,
      news: (since) => ({ ...feed.since(since), overview: overview() }),
    },
    prepare: (config) =>
      prepareAll(
        () => events.prepare(config),
        () => http.prepare(config.http),
        () => smtp.prepare(config.smtp),
      ),
    async close() {
      stores.drain()
      gauges.close()
      const grace = graceMs(current().config)
      const relay = { close: (ms: number) => dispatcher.close({ graceMs: ms }) }
      await closeInTime(grace, [smtp, http, relay], [collector, events])
    },
  }
}

function openRelay(
  { spool, suspensions }: Pick<Stores, 'spool' | 'suspensions'>,
  ids: Ids,
  current: () => Generation,
  counts: Counts,
  { relay, storing }: Instruments,
  watchers: readonly { watching(observers: Observers): Observers }[],
): Dispatcher {
  const hooks = deliveryHooks(current, spool, Date.now)
  const observers = relayObservers(() => current().journal, counts, hooks)
  return makeDispatcher({
    config: suspensions.apply(current().config),
    spool,
    queue: makeQueue(),
    ids,
    observers: watchers.reduce((all, { watching }) => watching(all), relay.counting(observers)),
    onError(error) {
      storing.failed(error, 'relay')
      current().journal.panic('relay', errorText(error))
    },
  })
}

function graceMs({ shutdownGraceSeconds }: Config): number {
  return shutdownGraceSeconds * 1000
}
