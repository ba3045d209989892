// Every metric of a server by name, and how each is fed. Labels take few values: no recipient and no domain
// among them. What is only looked up when somebody asks is in gauges.ts.
import type { SinkMeter } from '../events/sinks.ts'
import type { Journal } from '../events/journal.ts'
import { type Distribution, makeRegistry, observe, type Registry } from '../metrics/registry.ts'
import type { CalloutMeter } from '../policy/meter.ts'
import type { Attempt } from '../relay/attempt.ts'
import type { Policy } from '../policy/policy.ts'
import type { Observers } from '../relay/settlement.ts'
import { SpoolError } from '../spool/error.ts'

/** Upper bounds in seconds. */
const CALLOUT = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.01, 0.05, 0.1, 0.5, 2, 10]
const FAST = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
const DISK = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
const QUEUE = [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 1_800, 7_200, 28_800, 86_400]

/** `begin()` gives the function that ends what is measured. */
export interface Instruments {
  readonly registry: Registry
  readonly smtp: SmtpInstruments
  readonly policy: PolicyInstruments
  readonly storing: StoringInstruments
  readonly relay: RelayInstruments
  readonly tracking: TrackingInstruments
  readonly sinks: SinkMeter
  /** The same journal, and what goes through it is counted. */
  countJournal(journal: Journal): Journal
}

export function makeInstruments(): Instruments {
  const registry = makeRegistry('eachrcpt_')
  return {
    registry,
    smtp: smtpInstruments(registry),
    policy: policyInstruments(registry),
    storing: storingInstruments(registry),
    relay: relayInstruments(registry),
    tracking: trackingInstruments(registry),
    sinks: sinkInstruments(registry),
    countJournal: journalCounter(registry),
  }
}

export type SmtpInstruments = ReturnType<typeof smtpInstruments>

function smtpInstruments(registry: Registry) {
  const connections = registry.counter({
    name: 'smtp_connections_total',
    help: 'Connections by what became of them: accepted, or refused for a limit.',
    labels: ['listener', 'result'],
  })
  const commands = registry.counter({
    name: 'smtp_commands_total',
    help: 'Replies by command and code. CONNECT: the greeting; END-OF-DATA: the final dot; NONE: not asked for.',
    labels: ['command', 'code'],
  })
  const tls = registry.counter({
    name: 'smtp_tls_connections_total',
    help: 'TLS handshakes with clients, by version.',
    labels: ['version'],
  })
  const accept = registry.histogram(
    { name: 'message_accept_seconds', help: 'Final dot to reply.' },
    DISK,
  )
  // Looked up for every command: two maps are faster than a key made of both.
  const known = new Map<string, Map<number, { value: number }>>()
  return {
    connected(listener: string, isAccepted: boolean): void {
      connections.of(listener, isAccepted ? 'accepted' : 'refused').value++
    },
    replied(command: string, code: number): void {
      const name = COMMANDS.has(command) ? command : 'OTHER'
      let codes = known.get(name)
      if (!codes) known.set(name, (codes = new Map()))
      let cell = codes.get(code)
      if (!cell) codes.set(code, (cell = commands.of(name, String(code))))
      cell.value++
    },
    secured: (version: string): void => void tls.of(version).value++,
    accepted: (seconds: number): void => observe(accept.of(), seconds),
  }
}

/** Whatever else a client says is counted as OTHER. */
const COMMANDS = new Set(
  `CONNECT EHLO HELO MAIL RCPT DATA END-OF-DATA RSET NOOP QUIT VRFY HELP EXPN STARTTLS AUTH
  XCLIENT XDUMPCONTEXT XREMOTEIP XSETCONTEXT NONE`.split(/\s+/),
)

export type PolicyInstruments = ReturnType<typeof policyInstruments>

function policyInstruments(registry: Registry) {
  const hookLabels = ['hook', 'script']
  const seconds = registry.histogram(
    {
      name: 'policy_hook_seconds',
      help: 'Callouts from call to result, waiting included.',
      labels: hookLabels,
    },
    CALLOUT,
  )
  const started = registry.counter({
    name: 'policy_hook_started_total',
    help: 'Callouts begun: those that hang are the difference to policy_hook_seconds_count.',
    labels: hookLabels,
  })
  const errors = registry.counter({
    name: 'policy_errors_total',
    help: 'Callouts that failed: an error, or over their budget of time or memory.',
    labels: [...hookLabels, 'kind'],
  })
  const reloads = registry.counter({
    name: 'policy_reload_total',
    help: 'Reloads of configuration and policy.',
    labels: ['result'],
  })
  const info = registry.gauge({
    name: 'policy_info',
    help: 'The policy that new sessions get; loaded_at in epoch seconds.',
    labels: ['hash', 'loaded_at'],
    merge: 'max',
  })
  const unsupported = registry.counter({
    name: 'policy_unsupported_calls_total',
    help: 'Uses of functions that do not exist here.',
    labels: ['function'],
  })
  const loaded = ({ hash, loadedMs }: Policy): void => {
    info.clear()
    info.of(hash, String(Math.floor(loadedMs / 1000))).value = 1
  }
  return {
    meterOf(hook: string, script: string): CalloutMeter {
      const begun = started.of(hook, script)
      const taken = seconds.of(hook, script)
      return {
        started: () => void begun.value++,
        ended(duration, failure) {
          observe(taken, duration)
          if (failure) errors.of(hook, script, failure).value++
        },
      }
    },
    onUnsupported: (name: string): void => void unsupported.of(name).value++,
    loaded,
    /** Undefined: it failed. */
    reloaded(policy: Policy | undefined): void {
      reloads.of(policy ? 'ok' : 'failed').value++
      if (policy) loaded(policy)
    },
  }
}

export type StoringInstruments = ReturnType<typeof storingInstruments>

function storingInstruments(registry: Registry) {
  const messages = registry.counter({
    name: 'messages_received_total',
    help: 'Messages that are in the spool, those that policy sends included.',
  })
  const recipients = registry.counter({
    name: 'recipients_received_total',
    help: 'Copies in the spool: one a recipient.',
  })
  const write = registry.histogram(
    { name: 'spool_write_seconds', help: 'Until a message is durable.' },
    DISK,
  )
  const errors = registry.counter({
    name: 'spool_errors_total',
    help: 'Operations on the spool that failed.',
    labels: ['op'],
  })
  const received = messages.of()
  const copies = recipients.of()
  const written = write.of()
  return {
    received(recipientCount: number): void {
      received.value++
      copies.value += recipientCount
    },
    stored: (seconds: number): void => observe(written, seconds),
    /** Errors of anything else are not counted. */
    failed(error: unknown, operation: string): void {
      if (error instanceof SpoolError) errors.of(operation).value++
    },
  }
}

export type RelayInstruments = ReturnType<typeof relayInstruments>

function relayInstruments(registry: Registry) {
  const deliveries = registry.counter({
    name: 'deliveries_total',
    help: 'Attempts by outcome of each copy; stage: the connection stage, as in mainlog.',
    labels: ['result', 'stage'],
  })
  const seconds = registry
    .histogram({ name: 'delivery_seconds', help: 'Reception to delivery.' }, QUEUE)
    .of()
  const count = (result: 'delivered' | 'deferred' | 'failed', attempt: Attempt): void => {
    deliveries.of(result, String(attempt.stage)).value++
    if (result === 'delivered') observe(seconds, attempt.queuedMs / 1000)
  }
  return {
    /** The same observers, and what they are told is counted. */
    counting: ({ onDelivery, onDelay, onBounce }: Observers): Observers => ({
      onDelivery(attempt) {
        const { event, tell } = onDelivery(attempt)
        return { event, tell: () => (count('delivered', attempt), tell()) }
      },
      onDelay(attempt) {
        count('deferred', attempt)
        onDelay(attempt)
      },
      onBounce(attempt) {
        const { event, tell } = onBounce(attempt)
        return { event, tell: () => (count('failed', attempt), tell()) }
      },
    }),
  }
}

export type TrackingInstruments = ReturnType<typeof trackingInstruments>

function trackingInstruments(registry: Registry) {
  const seconds: Distribution = registry
    .histogram({ name: 'tracking_http_seconds', help: 'Answers of tracking endpoints.' }, FAST)
    .of()
  const rejected = registry.counter({
    name: 'tracking_rejected_total',
    help: 'Links and pixels whose token leads nowhere.',
    labels: ['reason'],
  })
  return {
    answered: (duration: number): void => observe(seconds, duration),
    rejected: (reason: string): void => void rejected.of(reason.replace(' ', '_')).value++,
  }
}

function sinkInstruments(registry: Registry): SinkMeter {
  const webhooks = registry.counter({
    name: 'webhook_requests_total',
    help: 'Requests to webhooks; code: of the answer, or none.',
    labels: ['webhook', 'code'],
  })
  const redis = registry.histogram(
    { name: 'redis_op_seconds', help: 'Calls of Redis.', labels: ['op', 'result'] },
    DISK,
  )
  return {
    webhookAnswered: (name, status) => void webhooks.of(name, String(status ?? 'none')).value++,
    redisAnswered: (op, isGood, seconds) => observe(redis.of(op, isGood ? 'ok' : 'error'), seconds),
  }
}

function journalCounter(registry: Registry): (journal: Journal) => Journal {
  const rejections = registry.counter({
    name: 'messages_rejected_total',
    help: 'Lines of rejectlog; stage: its phase.',
    labels: ['stage', 'code'],
  })
  const events = registry.counter({
    name: 'tracking_events_total',
    help: 'Opens and clicks; bot: yes, likely or no.',
    labels: ['type', 'bot'],
  })
  const panics = registry.counter({
    name: 'panics_total',
    help: 'Lines of paniclog by origin.',
    labels: ['origin'],
  })
  return (journal) => ({
    ...journal,
    rejection(line, ...facts) {
      rejections.of(line.state, String(line.code)).value++
      journal.rejection(line, ...facts)
    },
    event(type, ...facts) {
      const bot = facts.findLast((each) => each['bot'] !== undefined)?.['bot']
      if (bot !== undefined) events.of(type, bot === 'true' ? 'yes' : bot || 'no').value++
      journal.event(type, ...facts)
    },
    panic(origin, text) {
      panics.of(origin).value++
      journal.panic(origin, text)
    },
  })
}
