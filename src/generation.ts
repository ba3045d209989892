// One configuration with its policy and its logs. A reload makes another generation beside it; new sessions
// take the new one, and an old one is closed when its last session has ended.
import { randomUUID } from 'node:crypto'
import type { Config } from './config/config.ts'
import { telling } from './config/live.ts'
import {
  type EventRecorder,
  type Journal,
  type JournalOptions,
  type LineKind,
  openJournal,
} from './events/journal.ts'
import type { TrackerSettings } from './http/hit.ts'
import { makeInboundAudit } from './inboundaudit.ts'
import type { Instruments } from './observing/instruments.ts'
import { findKeyring } from './keyfile.ts'
import { toText } from './mail/bytes.ts'
import { FleetingSet } from './mail/fleeting.ts'
import type { Locks } from './msys/runtime.ts'
import type { Outside } from './outside/outside.ts'
import { configuredSigning, type ConfiguredSigning } from './msys/dkimstanza.ts'
import type { SharedState } from './msys/shared/state.ts'
import { ALONE, type Place } from './place.ts'
import { loadPolicy, type Policy } from './policy/policy.ts'
import { filesOf, outsideOf, senderCheck } from './reach.ts'
import type { SenderCheck } from './smtp/state.ts'
import type { Tracer } from './policy/trace.ts'
import type { Keyring } from './tracking/keyring.ts'

export interface Generation {
  /** Another one after each change of it while the server runs. */
  readonly config: Config
  readonly policy: Policy
  readonly journal: Journal
  /** Counts a connection from this address. */
  connected(address: string): void
  /** Seals and opens tracking links. */
  readonly keyring: Keyring
  /** How it answers links; which proxies are trusted is each listener's. */
  readonly tracker: Omit<TrackerSettings, 'isTrustedProxy'>
  /** Undefined: nothing is looked at. */
  readonly checkSender: SenderCheck | undefined
  /** Signs a copy by configuration; undefined: nothing is signed that way. */
  readonly signCopy: ConfiguredSigning['sign'] | undefined
  readonly isReplaced: boolean
  /**
   * Holds the generation open; the function that is returned lets go. `retire` is called when it should:
   * some time after the generation has been replaced.
   */
  hold(retire?: () => void): () => void
  /** No new sessions; closes when nothing holds it any more. */
  replace(): Promise<void>
  /** Asks what holds it to let go, now. */
  retire(): void
}

export interface GenerationSurroundings {
  /** Epoch milliseconds. */
  now(): number
  /** Tells the operator. */
  warn(text: string): void
  /** One for all generations. */
  readonly events: EventRecorder
  readonly instruments: Pick<Instruments, 'policy' | 'countJournal'>
  /** Among workers that write the same logs. */
  readonly place?: Place | undefined
  readonly shared: SharedState
  /** Those of `msys.lock`; each policy's own unless given. */
  readonly locks?: Locks
  /** Its policy has changed an option of it while it runs: the words of the console's command, byte strings. */
  optionSet?(live: Config['live'], command: readonly string[]): void
  /** What a rehearsal has of its own: where lines of logs go, which keys seal links, what events are called. */
  readonly openLog?: JournalOptions['open']
  readonly findKeys?: (config: Config) => Keyring
  readonly eventId?: () => string
  readonly outside?: Outside
  readonly tracer?: Tracer | undefined
}

/** Raises what the configuration or a script has wrong; nothing is left open then. */
export async function openGeneration(
  config: Config,
  surroundings: GenerationSurroundings,
): Promise<Generation> {
  const { findKeys, instruments, shared, now, warn } = surroundings
  const audit = makeInboundAudit(config, shared, now)
  const opened = await openJournal(journalOptions(config, surroundings))
  const journal = audit.watch(instruments.countJournal(opened))
  const outside = surroundings.outside ?? outsideOf(config)
  let live = config
  config.live.watch((next) => void (live = next))
  const signing = signingOf(() => live, journal, outside)
  let policy: Policy
  let keyring: Keyring
  try {
    policy = await openPolicy(config, journal, { outside, signing }, surroundings)
    // Last: what is wrong with a script must not leave a key behind.
    keyring = findKeys?.(config) ?? (await findKeyring(config, warn))
  } catch (error) {
    await journal.close()
    throw error
  }
  const life = lifeOf(
    () => policy.retire(),
    async () => {
      await policy.close()
      await journal.close()
    },
  )
  return {
    get config() {
      return live
    },
    policy,
    journal,
    connected: audit.connected,
    keyring,
    tracker: trackerSettings(config, keyring),
    checkSender: senderCheck(config, outside),
    signCopy: signing?.sign,
    get isReplaced() {
      return life.isReplaced()
    },
    hold: life.hold,
    replace: life.replace,
    retire: life.retire,
  }
}

/** Who holds a generation open; `begin` is called when it is replaced, `end` when nobody does any more. */
function lifeOf(begin: () => void, end: () => Promise<void>) {
  let isReplaced = false
  const holders = new FleetingSet<{ readonly retire?: (() => void) | undefined }>()
  let isFree = (): void => {}
  const retire = (): void => {
    for (const holder of holders) holder.retire?.()
  }
  return {
    isReplaced: () => isReplaced,
    retire,
    hold(retire?: () => void) {
      const holder = { retire }
      holders.add(holder)
      return () => {
        if (holders.delete(holder) && holders.size === 0) isFree()
      }
    },
    async replace() {
      isReplaced = true
      begin()
      if (holders.size > 0) {
        const timer = setTimeout(retire, RETIRE_MS)
        await new Promise<void>((resolve) => (isFree = resolve))
        clearTimeout(timer)
      }
      await end()
    },
  }
}

function signingOf(
  live: () => Config,
  journal: Journal,
  { clock }: Outside,
): ConfiguredSigning | undefined {
  return configuredSigning(live().signers, {
    outbound: (domain, egress) => live().outbound(domain, egress),
    nowMs: () => clock.nowMs(),
    panic: (text) => journal.panic('opendkim', text),
  })
}

function trackerSettings({ tracking }: Config, keyring: Keyring): Generation['tracker'] {
  const messages = new Set(tracking.deniedMessages)
  const customers = new Set(tracking.deniedCustomers.map(toText))
  const { legacyOrigin, hitsPerMinute } = tracking
  return {
    keyring,
    legacyOrigin,
    hitsPerMinute,
    isDenied: ({ messageId, customerId = '' }) =>
      messages.has(messageId) || customers.has(customerId),
  }
}

/** The time that sessions have to end by themselves once their generation has been replaced. */
const RETIRE_MS = 60_000

const MB = 1024 * 1024

function openPolicy(
  config: Config,
  journal: Journal,
  { outside, signing }: { outside: Outside; signing: ConfiguredSigning | undefined },
  { tracer, instruments, shared, locks, optionSet }: GenerationSurroundings,
): Promise<Policy> {
  const { scriptlet, bindings, datasources, live } = config
  return loadPolicy({
    scripts: scriptlet.scripts,
    roots: scriptlet.searchPath,
    bindings,
    datasources,
    shared,
    ...(locks && { locks }),
    live: optionSet ? telling(live, (command) => optionSet(live, command)) : live,
    signing,
    files: filesOf(config),
    budget: {
      cpuMs: scriptlet.calloutCpuMs,
      wallMs: scriptlet.calloutWallMs,
      allocBytes: scriptlet.calloutAllocMb * MB,
      maxStringBytes: scriptlet.maxStringMb * MB,
    },
    onBadReturn: scriptlet.onBadReturn,
    tracer,
    outside,
    panic: (origin, text) => journal.panic(origin, text),
    meterOf: instruments.policy.meterOf,
    onUnsupported: instruments.policy.onUnsupported,
  })
}

export function journalOptions(
  config: Config,
  {
    now,
    events,
    openLog,
    eventId = randomUUID,
    place = ALONE,
  }: Pick<GenerationSurroundings, 'now' | 'events' | 'openLog' | 'eventId' | 'place'>,
): JournalOptions {
  // One of several processes is enough.
  const beats = place.slot === 0
  const { logger, bounceLogger } = config
  return {
    mainlog: { path: logger?.mainlog, mode: logger?.mainlogMode ?? 0o644 },
    rejectlog: { path: logger?.rejectlog, mode: logger?.rejectlogMode ?? 0o644 },
    paniclog: { path: logger?.paniclog, mode: logger?.paniclogMode ?? 0o644 },
    acctlog: { path: logger?.acctlog, mode: logger?.acctlogMode ?? 0o644 },
    bouncelog: { path: bounceLogger?.bouncelog, mode: bounceLogger?.bouncelogMode ?? 0o644 },
    events,
    bounceHeartbeatSeconds: (beats && bounceLogger?.heartbeatSeconds) || 0,
    heartbeatSeconds: (beats && logger?.heartbeatSeconds) || 0,
    wants: wantedBy(config),
    nodeName: config.hostname,
    now,
    eventId,
    open: openLog,
  }
}

/** Which option switches which line. */
function wantedBy({ logger, bounceLogger }: Config): JournalOptions['wants'] {
  const wanted: Readonly<Record<LineKind, boolean | undefined>> = {
    receptions: logger?.receptions,
    deliveries: logger?.deliveries,
    'transient failures': logger?.transientFailures,
    'permanent failures': logger?.permanentFailures,
    rejections: logger?.rejections,
    bounces: bounceLogger?.bounces,
    'bounced transient failures': bounceLogger?.transientFailures,
  }
  return (kind) => wanted[kind] ?? false
}
