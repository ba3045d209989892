// What a server is made of besides its configuration and policy: listeners, relay, metrics, and what can be
// asked about them.
import { randomBytes } from 'node:crypto'
import { type Census, makeCensus } from './observing/census.ts'
import { closeInTime } from './closing.ts'
import type { Collector } from './observing/collector.ts'
import type { Config, HttpEndpoint } from './config/config.ts'
import { lendSending } from './conversations.ts'
import { deliveryHooks } from './deliveryhooks.ts'
import { endpointApps } from './endpoints.ts'
import { errorText } from './events/lines.ts'
import { makeTally, type Tally } from './fleet/tally.ts'
import type { Denials } from './sharing/denials.ts'
import { type DomainRecords, makeDomainRecords } from './observing/domainrecords.ts'
import type { Feed, News } from './observing/feed.ts'
import { watchGauges } from './observing/gauges.ts'
import type { Generation } from './generation.ts'
import { openHttpListener } from './http/listener.ts'
import type { Instruments } from './observing/instruments.ts'
import type { SmtpTraces } from './observing/smtptraces.ts'
import { type Listeners, makeListeners, type Prepared, prepareAll } from './listeners.ts'
import { type Ids, makeIds } from './mail/ids.ts'
import type { Snapshot } from './metrics/snapshot.ts'
import { type Counts, countsFrom, relayObservers } from './observing/observers.ts'
import { type Overview, type Overviewed, overviewOf } from './observing/overview.ts'
import { ALONE, type Place, shareOf } from './place.ts'
import { type QueuedMail, queuedMail } from './queuedmail.ts'
import { bindingHook, type BindingNow } from './rebinding.ts'
import { type Dispatcher, makeDispatcher } from './relay/dispatcher.ts'
import type { Observers } from './relay/settlement.ts'
import { makeSessions } from './sessions.ts'
import type { Acceptance } from './smtp/reception.ts'
import { makeQueue } from './spool/queue.ts'
import { steeringHooks } from './steeringhooks.ts'
import type { Stores } from './stores.ts'
import type { Suspensions } from './suspensions.ts'

export interface PartsOptions {
  /** Among workers; without it this process is alone. */
  readonly place?: Place
  /** Sessions by address and by budget, counted with other workers. */
  readonly tallies?: { readonly census: Tally; readonly budgets: Tally }
  /** Of all workers together. */
  metricsOfAll?(): Promise<Snapshot>
  /** Sees every transaction that was accepted, with what was done to each copy. */
  onAccepted?(acceptance: Acceptance): void
}

/** What can be asked. */
export interface Inspection {
  /** What is queued. */
  readonly mail: QueuedMail
  /** Where delivery is suspended. */
  readonly suspensions: Pick<Suspensions, 'list' | 'suspend' | 'resume'>
  /** Whose links lead nowhere. */
  readonly denials: Pick<Denials, 'list' | 'say'>
  /** Since the start. */
  readonly counts: Counts
  /** What became of each domain's copies. */
  readonly records: Pick<DomainRecords, 'all' | 'of'>
  readonly relay: Pick<Dispatcher, 'route' | 'connections' | 'peers' | 'refresh' | 'reroute'>
  /** What policy says of a queued copy. */
  readonly bindingNow: BindingNow
  inbound(): ReturnType<Census['all']>
  /** Connections at which mail is being delivered. */
  outbound(): number
  /** What each session is doing. */
  sessions(): ReturnType<Census['watch']['all']>
  /** All metrics, as they are now. */
  metrics(): Snapshot
  /** What there is to see now, and what has happened since that number of the last news. */
  news(since: number): PageNews
}

/** Plain data. */
export interface PageNews extends News {
  readonly overview: Overview
}

/** Who looks on. */
export interface Onlookers {
  readonly instruments: Instruments
  readonly feed: Feed
  readonly collector: Collector
  readonly smtpTraces: SmtpTraces
}

export interface Parts {
  readonly smtp: ReturnType<typeof makeSessions>
  readonly http: Listeners<HttpEndpoint>
  readonly dispatcher: Dispatcher
  readonly console: Inspection
  /** Lets the policy of a generation send mail by itself. */
  lend(generation: Generation): void
  /** Listens where the configuration says, once it is adopted. */
  prepare(config: Config): Promise<Prepared>
  close(): Promise<void>
}

export function openParts(
  stores: Stores,
  current: () => Generation,
  options: PartsOptions,
  { instruments, feed, collector, smtpTraces }: Onlookers,
): Parts {
  const { spool, events, space, nodes, suspensions, denials, notReady } = stores
  const ids = makeIds(process.pid, randomBytes(8), Date.now)
  const counts = countsFrom(Date.now())
  const counted = { counts, records: makeDomainRecords(Date.now) }
  const dispatcher = openRelay(stores, ids, current, counted, instruments, {
    watchers: [feed, collector],
    listen: smtpTraces.listen,
  })
  suspensions.watch(() => dispatcher.reconfigure(suspensions.apply(current().config)))
  const { onAccepted, place = ALONE, tallies } = options
  const census = makeCensus(Date.now, tallies?.census)
  const budgets = tallies?.budgets ?? makeTally()
  const { storing, tracking, smtp: counting } = instruments
  const looked = { feed, spans: collector.spans, onAccepted }
  const store = { spool, space, nodes, dispatcher, ids, counts, storing, ...looked }
  const commons = { census, budgets, maxInflightBytes: shareOf(MAX_INFLIGHT_BYTES, place) }
  const conversing = { current, store, ...commons, smtp: counting, now: Date.now }
  const smtp = makeSessions(conversing)
  const gauges = watchGauges(instruments.registry, { ...stores, dispatcher, census, now: Date.now })
  const overview = (): Overview =>
    overviewOf(aboutOf(place, current(), stores), gauges.snapshot(), dispatcher.lanes())
  const { metricsOfAll: metrics = gauges.snapshot } = options
  const served = { current, notReady, metrics, tracking, denials }
  const http = makeListeners<HttpEndpoint>(({ address }, endpoint) =>
    openHttpListener(address, endpointApps(served, endpoint), (error) =>
      current().journal.panic('http_listener', errorText(error)),
    ),
  )
  return {
    smtp,
    http,
    dispatcher,
    lend: (generation) => lendSending(conversing, generation),
    console: {
      ...inspectionOf(stores, dispatcher, counted, census),
      bindingNow: bindingHook(current, spool),
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
      const relay = { close: (ms: number) => dispatcher.close({ graceMs: ms }) }
      await closeInTime(graceMs(current().config), [smtp, http, relay], [collector, events])
    },
  }
}

function inspectionOf(
  { spool, suspensions, denials }: Stores,
  dispatcher: Dispatcher,
  counted: Pick<Inspection, 'counts' | 'records'>,
  census: Census,
): Omit<Inspection, 'metrics' | 'news' | 'bindingNow'> {
  return {
    ...counted,
    relay: dispatcher,
    inbound: census.all,
    outbound: () => deliveringAt(dispatcher),
    sessions: census.watch.all,
    mail: queuedMail(spool, dispatcher),
    suspensions,
    denials,
  }
}

function deliveringAt(dispatcher: Dispatcher): number {
  return dispatcher.lanes().reduce((sum, { workers }) => sum + workers, 0)
}

function openRelay(
  { spool, suspensions }: Pick<Stores, 'spool' | 'suspensions'>,
  ids: Ids,
  current: () => Generation,
  { counts, records }: { readonly counts: Counts; readonly records: DomainRecords },
  { relay, storing }: Instruments,
  {
    watchers,
    listen,
  }: {
    readonly watchers: readonly { watching(observers: Observers): Observers }[]
    readonly listen: SmtpTraces['listen']
  },
): Dispatcher {
  const route: Dispatcher['route'] = (way) => dispatcher.route(way)
  const hooks = deliveryHooks({ current, spool, records, route, now: Date.now })
  const observers = relayObservers(() => current().journal, counts, hooks.tell)
  const dispatcher = makeDispatcher({
    config: suspensions.apply(current().config),
    spool,
    queue: makeQueue(),
    ids,
    lastWord: hooks.lastWord,
    steering: steeringHooks(current),
    listen,
    observers: watchers.reduce((all, { watching }) => watching(all), relay.counting(observers)),
    onError(error) {
      storing.failed(error, 'relay')
      current().journal.panic('relay', errorText(error))
    },
  })
  return dispatcher
}

function aboutOf({ slot }: Place, { config }: Generation, { notReady, nodes }: Stores): Overviewed {
  const redis = nodes.link && (nodes.link.away ?? '')
  return { slot, hostname: config.hostname, notReady: notReady(), redis }
}

/** Of all workers together. */
const MAX_INFLIGHT_BYTES = 512 * 1024 * 1024

export function graceMs({ shutdownGraceSeconds }: Config): number {
  return shutdownGraceSeconds * 1000
}
