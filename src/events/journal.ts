// Where everything that happens to mail is written down: Momentum's log files, each switched by its own
// options, and the event log. Files that are not configured are not written.
import { MAX_TIMER_MS } from '../mail/eventually.ts'
import { eventLine, type EventType, type Facts } from '../tracking/record.ts'
import {
  type AttemptLine,
  authenticationLine,
  type AuthenticationLine,
  bounceHeartbeatLine,
  bounceLine,
  type BounceLine,
  deliveryLine,
  failureLine,
  heartbeatLine,
  markerLine,
  panicLine,
  receptionLine,
  type ReceptionLine,
  rejectionLine,
  type RejectionLine,
} from './lines.ts'
import { type LogFile, openLogFile } from './logfile.ts'
import type { OrderedEvent } from './order.ts'

export interface LogOptions {
  readonly path?: string | undefined
  readonly mode: number
}

export interface JournalOptions {
  readonly mainlog: LogOptions
  readonly rejectlog: LogOptions
  readonly paniclog: LogOptions
  readonly acctlog: LogOptions
  readonly bouncelog: LogOptions
  readonly events: EventRecorder
  readonly heartbeatSeconds: number
  /** Of bouncelog. */
  readonly bounceHeartbeatSeconds: number
  /** Which lines are wanted. */
  wants(kind: LineKind): boolean
  readonly nodeName: string
  /** Epoch milliseconds. */
  now(): number
  eventId(): string
  /** Files of the disk unless given. */
  readonly open?: typeof openLogFile | undefined
}

export interface EventRecorder {
  /** Whether anybody is for events of this type. */
  wants(type: EventType): boolean
  /** Takes one JSON record. */
  append(event: OrderedEvent): void
  /** A message was accepted whose injection nobody is for. */
  accepted?(messageId: string): void
}

export type LineKind =
  | 'receptions'
  | 'deliveries'
  | 'transient failures'
  | 'permanent failures'
  | 'rejections'
  | 'bounces'
  | 'bounced transient failures'

export interface Journal {
  reception(line: Unstamped<ReceptionLine>, ...facts: readonly Facts[]): void
  delivery(line: Unstamped<AttemptLine>, ...facts: readonly Facts[]): Report
  delay(line: Unstamped<BounceLine>, ...facts: readonly Facts[]): void
  bounce(line: Unstamped<BounceLine>, ...facts: readonly Facts[]): Report
  rejection(line: Unstamped<RejectionLine>, ...facts: readonly Facts[]): void
  authentication(line: Unstamped<AuthenticationLine>): void
  /** One that has no line in a log: an open, a click. */
  event(type: EventType, ...facts: readonly Facts[]): void
  /** Of a message that was accepted before: the same event, with the same id, as `reception` made. */
  injection(receivedMs: number, ...facts: readonly Facts[]): void
  /** The record of an event that a report once gave. */
  again(record: string): void
  panic(origin: string, text: string): void
  flush(): Promise<void>
  /** Goes on in new files of the same names; one that cannot be had goes on as it is. */
  reopen(): Promise<void>
  close(): Promise<void>
}

/** Made, but not written before `tell` is called. */
export interface Report {
  /** The event's record; undefined: nobody is for it. */
  readonly event: string | undefined
  readonly tell: () => void
}

/** A line whose time is still to come. */
type Unstamped<T> = Omit<T, 'seconds'>

export async function openJournal(options: JournalOptions): Promise<Journal> {
  const panic = (origin: string, text: string): void => {
    const entry = panicLine(seconds(), origin, text)
    if (paniclog) paniclog.write(entry)
    else process.stderr.write(`${entry}\n`, 'latin1')
  }
  const { mainlog: main, rejectlog: reject, paniclog: panics, acctlog: acct } = options
  const logs = await openAll(
    options.open ?? openLogFile,
    [main, reject, panics, acct, options.bouncelog],
    (text) => panic('ec_logger', text),
  )
  const [mainlog, rejectlog, paniclog, acctlog, bouncelog] = logs
  const files = logs.filter((file) => file !== undefined)
  const seconds = (): number => Math.floor(options.now() / 1000)
  const beats = startHeartbeats(options, seconds, { mainlog, rejectlog, bouncelog })
  const line = (kind: LineKind, file: LogFile | undefined, text: () => string): void => {
    if (file && options.wants(kind)) file.write(text())
  }
  const { event, injection, report, again } = eventMaker(options)

  return {
    reception(entry, ...facts) {
      line('receptions', mainlog, () => receptionLine({ seconds: seconds(), ...entry }))
      injection(options.now(), ...facts)
    },
    delivery: (entry, ...facts) =>
      report('delivery', facts, () =>
        line('deliveries', mainlog, () => deliveryLine({ seconds: seconds(), ...entry })),
      ),
    delay(entry, ...facts) {
      const stamped = { seconds: seconds(), ...entry }
      line('transient failures', mainlog, () => failureLine('T', stamped))
      line('bounced transient failures', bouncelog, () => bounceLine('T', stamped))
      event('delay', ...facts)
    },
    bounce: (entry, ...facts) =>
      report('bounce', facts, () => {
        const stamped = { seconds: seconds(), ...entry }
        line('permanent failures', mainlog, () => failureLine('P', stamped))
        line('bounces', bouncelog, () => bounceLine('B', stamped))
      }),
    rejection(entry, ...facts) {
      line('rejections', rejectlog, () => rejectionLine({ seconds: seconds(), ...entry }))
      event('policy_rejection', ...facts)
    },
    authentication: (entry) => acctlog?.write(authenticationLine({ seconds: seconds(), ...entry })),
    event,
    injection,
    again,
    panic,
    flush: async () => void (await Promise.all(files.map((file) => file.flush()))),
    reopen: () => reopenAll(files, (text) => panic('ec_logger', text)),
    async close() {
      beats.forEach(clearInterval)
      await Promise.all(files.map((file) => file.close()))
    },
  }
}

function eventMaker({ events, nodeName, now, eventId }: JournalOptions) {
  const make = (type: EventType, facts: readonly Facts[], ms = now()): OrderedEvent | undefined => {
    if (!events.wants(type)) return undefined
    const messageId = messageIdIn(facts)
    const known = type === 'injection' ? injectionId(messageId) : undefined
    const stamp = { eventId: known ?? eventId(), seconds: Math.floor(ms / 1000), nodeName }
    const line = eventLine(type, stamp, facts)
    return { type, messageId, line }
  }
  return {
    event(type: EventType, ...facts: readonly Facts[]): void {
      const made = make(type, facts)
      if (made) events.append(made)
    },
    injection(ms: number, ...facts: readonly Facts[]): void {
      const made = make('injection', facts, ms)
      if (made) events.append(made)
      else events.accepted?.(messageIdIn(facts))
    },
    report(type: EventType, facts: readonly Facts[], writeLine: () => void): Report {
      const made = make(type, facts)
      return {
        event: made?.line,
        tell() {
          writeLine()
          if (made) events.append(made)
        },
      }
    },
    again(record: string): void {
      const made = readEvent(record)
      if (made) events.append(made)
    },
  }
}

function messageIdIn(facts: readonly Facts[]): string {
  return facts.findLast(({ message_id: id }) => id)?.['message_id'] ?? ''
}

/**
 * A message has one injection, so its event is told from the message's id (20 hex digits) as a UUID of our
 * own kind (RFC 9562 version 8): after a crash it has the same again.
 */
function injectionId(messageId: string): string | undefined {
  const digits = /^[0-9a-f]{20}$/.test(messageId) ? messageId : undefined
  if (!digits) return undefined
  const [a, b, c, d] = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 15),
    digits.slice(15),
  ]
  return `${a}-${b}-8${c}-8${d.slice(0, 3)}-${d.slice(3)}0000000000`
}

function readEvent(line: string): OrderedEvent | undefined {
  const type = /"type":"(delivery|bounce)"/.exec(line)?.[1]
  const messageId = /"message_id":"([^"]*)"/.exec(line)?.[1] ?? ''
  return type === 'delivery' || type === 'bounce' ? { type, messageId, line } : undefined
}

/** All that are named, or none: one that cannot be opened leaves no other open. */
async function openAll(
  openOne: typeof openLogFile,
  logs: readonly LogOptions[],
  warn: (text: string) => void,
): Promise<(LogFile | undefined)[]> {
  const opened = await Promise.allSettled(
    logs.map(async ({ path, mode }) => {
      // An empty path switches a log off.
      if (!path) return undefined
      const onLost = (lines: number): void =>
        warn(`${lines} lines were lost: ${path} could not be written`)
      return openOne({ path, mode, onLost })
    }),
  )
  const failed = opened.find((result) => result.status === 'rejected')
  const files = opened.map((result) => (result.status === 'fulfilled' ? result.value : undefined))
  if (!failed) return files
  for (const file of files) await file?.close()
  throw failed.reason
}

async function reopenAll(files: readonly LogFile[], warn: (text: string) => void): Promise<void> {
  const results = await Promise.allSettled(files.map((file) => file.reopen()))
  for (const result of results) {
    if (result.status === 'rejected') warn(`not reopened: ${String(result.reason)}`)
  }
}

function startHeartbeats(
  { heartbeatSeconds, bounceHeartbeatSeconds }: JournalOptions,
  seconds: () => number,
  logs: Readonly<Record<'mainlog' | 'rejectlog' | 'bouncelog', LogFile | undefined>>,
): readonly (NodeJS.Timeout | undefined)[] {
  return [
    startHeartbeat(heartbeatSeconds, () => {
      logs.mainlog?.write(heartbeatLine(seconds()))
      logs.rejectlog?.write(markerLine(seconds()))
    }),
    startHeartbeat(bounceHeartbeatSeconds, () =>
      logs.bouncelog?.write(bounceHeartbeatLine(seconds())),
    ),
  ]
}

function startHeartbeat(everySeconds: number, beat: () => void): NodeJS.Timeout | undefined {
  const everyMs = Math.min(everySeconds * 1000, MAX_TIMER_MS)
  return everyMs > 0 ? setInterval(beat, everyMs).unref() : undefined
}
