// The composition root: configuration in, a running server out. Everything that reads a clock, rolls dice
// or touches the world is made here and handed down.
import { closeAll } from './closing.ts'
import { openCollector } from './observing/collector.ts'
import type { Config, HostPort } from './config/config.ts'
import type { Loaded } from './config/load.ts'
import type { EventRecorder } from './events/journal.ts'
import { errorText } from './events/lines.ts'
import type { Events } from './events/events.ts'
import { type Feed, makeFeed } from './observing/feed.ts'
import type { Load } from './fleet/balance.ts'
import { type Generation, openGeneration } from './generation.ts'
import { toText } from './mail/bytes.ts'
import { makeInstruments } from './observing/instruments.ts'
import { openLocks } from './sharing/lockkeepers.ts'
import { shareWithNodes } from './sharing/nodestate.ts'
import { graceMs, type Inspection, openParts, type Parts, type PartsOptions } from './parts.ts'
import { makeSharing, type Sharing } from './sharing/sharing.ts'
import type { LockKeeper } from './policy/locks.ts'
import type { Policy } from './policy/policy.ts'
import { makeReloads, makeRetirement, type ReloadOptions, type Reloads } from './reload.ts'
import { openSeries } from './sharing/seriesstore.ts'
import { makeSmtpTraces, type SmtpTraces } from './observing/smtptraces.ts'
import { startTraces, type Traces, type TraceSettings } from './observing/traces.ts'
import { openStores, type Stores } from './stores.ts'
import type { Environment } from './telemetry/settings.ts'

export interface ServerOptions extends PartsOptions {
  /** Reads the configuration: at start and at every reload. */
  load(): Loaded
  /** Tells the operator. */
  warn(text: string): void
  /** Undefined: nothing is traced until the console asks for it. */
  readonly trace?: TraceSettings | undefined
  /** Whether and where traces go: the variables of OpenTelemetry. None: nowhere. */
  readonly environment?: Environment
  /** Takes in what policy has counted elsewhere on this node; resolves to how far that had read other nodes. */
  joinState?(sharing: Sharing): Promise<string | undefined>
  /** Policy has changed an option while the server runs: the console's command for it. */
  optionSet?(command: readonly string[]): void
  /** Keeps locks for all workers of this node. */
  readonly locksOfAll?: LockKeeper
  /** Names this node to others; all its workers have the same. */
  readonly node?: string
}

export interface Server extends Reloads, Inspection {
  readonly config: Config
  /** The addresses that are listened on, with their real ports. */
  readonly smtp: readonly HostPort[]
  readonly http: readonly HostPort[]
  /** Connections of each SMTP port. */
  loads(): Load[]
  /** Paths of the loaded scripts. */
  readonly scripts: readonly string[]
  /** The current one. */
  policy(): Policy
  readonly traces: Traces
  readonly smtpTraces: SmtpTraces
  /** Tells the operator. */
  warn(text: string): void
  /** What policy counts and keeps beyond a session. */
  readonly sharing: Sharing
  /** How far what other nodes said was read. */
  statePosition(): string | undefined
  /** Why no mail can be taken now; undefined: it can. */
  notReady(): string | undefined
  /** Goes on in new log files of the same names. */
  reopenLogs(): Promise<void>
  /** Resolves when everything logged so far is in the files. */
  flushLogs(): Promise<void>
  /** Takes no more, finishes what runs, leaves the rest in the spool. */
  close(): Promise<void>
}

/** Rejects with what is wrong; nothing is left open then. */
export async function openServer(options: ServerOptions): Promise<Server> {
  const { warn, place } = options
  const { config, warnings } = options.load()
  warnings.forEach(warn)
  // Opened only when the spool's lock says that this folder is ours.
  let opened: Stores | undefined
  const feed = makeFeed(Date.now)
  const recorder = recorderOf(() => opened?.events, feed)
  const instruments = makeInstruments()
  const series = openSeries(config, place?.slot ?? 0, warn)
  const sharing = makeSharing(series.state)
  const { traces, smtpTraces, collector, tracer } = await openTracing(options, config)
  const closers = [() => traces.close(), () => smtpTraces.close()]
  try {
    const logged = { now: Date.now, warn, events: recorder, place }
    const locks = openLocks(options.locksOfAll, () => opened?.nodes)
    const { adopt, optionSet } = toldOptions(options)
    const surroundings = { ...logged, instruments, shared: sharing.state, locks, tracer, optionSet }
    let current = await openGeneration(config, surroundings)
    closers.unshift(() => current.replace())
    const stores = await openStores(() => current, warn, instruments.sinks, place)
    closers.unshift(stores.closeSpool)
    // Last: policy counts until it is closed.
    closers.push(series.begin())
    opened = stores
    const nodeState = shareWithNodes(sharing, stores.nodes, options.node)
    closers.unshift(() => Promise.resolve(nodeState.close()))
    const onlookers = { instruments, feed, collector, smtpTraces }
    const parts = openParts(stores, () => current, options, onlookers)
    closers.unshift(() => parts.close())
    nodeState.begin(await options.joinState?.(sharing))
    // Its scripts may have changed it while they were loaded.
    ;(await parts.prepare(current.config)).adopt(graceMs(current.config))
    const follow = followChanges(parts, stores, () => current, adopt)
    follow(current)
    instruments.policy.loaded(current.policy)
    await stores.report()
    await parts.dispatcher.recover(stores.spool.recovered)
    const retire = makeRetirement((error) => current.journal.panic('config', errorText(error)))
    const reloading: ReloadOptions = {
      ...options,
      surroundings,
      current: () => current,
      listen: parts.prepare,
      adopt({ generation, listening: next }) {
        const old = current
        // All at once: no session sees the listener of one configuration and the policy of another.
        current = generation
        follow(generation)
        next.adopt(graceMs(current.config))
        parts.dispatcher.reconfigure(stores.suspensions.apply(current.config))
        stores.nodes.reconfigure(current.config.redis)
        retire(old)
      },
    }
    const surface = surfaceOf(stores, parts, { traces, smtpTraces }, () => current, warn)
    const life = { ...makeReloads(reloading), close: () => closeAll(closers) }
    return Object.assign(surface, life, { sharing, statePosition: () => nodeState.position })
  } catch (error) {
    await closeAll(closers)
    throw error
  }
}

/** What may be written down of all that happens. */
async function openTracing(
  { trace, environment = {}, warn }: ServerOptions,
  { traceSmtpMode: mode }: Config,
) {
  const traces = await startTraces(trace, warn)
  const smtpTraces = makeSmtpTraces({ mode, now: Date.now, warn })
  const collector = openCollector(environment, warn)
  return { traces, smtpTraces, collector, tracer: collector.tracing(traces) }
}

/** Scripts that are loaded set options of a configuration that nobody else has yet: those are not told. */
function toldOptions(options: Pick<ServerOptions, 'optionSet'>) {
  let adopted: Config['live'] | undefined
  return {
    adopt: (live: Config['live']) => void (adopted = live),
    optionSet(live: Config['live'], command: readonly string[]): void {
      if (live === adopted) options.optionSet?.(command.map(toText))
    },
  }
}

/**
 * The policy of a generation sends mail from now on; what it changes of the configuration holds while that is the
 * current one.
 */
function followChanges(
  { smtp, dispatcher, lend }: Parts,
  { suspensions }: Stores,
  current: () => Generation,
  adopt: (live: Config['live']) => void,
): (generation: Generation) => void {
  return (generation) => {
    lend(generation)
    adopt(generation.config.live)
    generation.config.live.watch((changed) => {
      if (generation !== current()) return
      smtp.refresh(changed.smtp)
      dispatcher.reconfigure(suspensions.apply(changed))
    })
  }
}

/** All that is not about its life. */
function surfaceOf(
  { events, notReady }: Stores,
  parts: Parts,
  { traces, smtpTraces }: Pick<Server, 'traces' | 'smtpTraces'>,
  current: () => Generation,
  warn: (text: string) => void,
): Omit<Server, keyof Reloads | 'close' | 'sharing' | 'statePosition'> {
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
    loads: () =>
      parts.smtp.listening.map(({ address: { port }, taken, sessions: open }) => ({
        port,
        taken,
        open,
      })),
    get scripts() {
      return current().policy.scripts
    },
    policy: () => current().policy,
    ...parts.console,
    notReady,
    warn,
    traces,
    smtpTraces,
    reopenLogs: async () => {
      const all = [current().journal, events, traces, smtpTraces]
      await Promise.all(all.map((each) => each.reopen()))
      await current().policy.logsReopened()
    },
    flushLogs: async () => {
      await Promise.all([current().journal.flush(), events.flush(), traces.flush()])
    },
  }
}

/** Nobody is for events before the log is open. */
function recorderOf(events: () => Events | undefined, feed: Feed): EventRecorder {
  return {
    wants: (type) => feed.isWatched() || (events()?.wants(type) ?? false),
    append(event) {
      feed.happened(event.line)
      if (events()?.wants(event.type)) events()?.append(event)
      else if (event.type === 'injection') events()?.accepted?.(event.messageId)
    },
    accepted: (messageId) => events()?.accepted?.(messageId),
  }
}
