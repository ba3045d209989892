// Traces of a running server: the latest ones in memory, for the console, and a file of JSON lines. Off
// unless asked for; on, it takes one session in so many, or those that are about somebody. Bounded: records by
// number, what is in one by length.
import { performance } from 'node:perf_hooks'
import { type LogFile, openLogFile } from '../events/logfile.ts'
import { fromText } from '../mail/bytes.ts'
import { textual } from '../mail/textual.ts'
import type { CalloutTrace, Tracer } from '../policy/trace.ts'

export interface TraceChoice {
  /** One session in so many; 0: none. */
  readonly sample: number
  /** A recipient, a message or a connection; `*` stands for anything. Undefined: all. */
  readonly about?: string | undefined
}

export interface Traces extends Tracer {
  readonly choice: TraceChoice
  choose(choice: TraceChoice): void
  /**
   * What is known of a connection, a reception or a copy, as its id; of the latter two with what the
   * session did before. Text, not byte strings. Slashes of the id may be dots.
   */
  find(id: string): readonly CalloutTrace[]
  /** The receptions that there are traces of, the latest first. */
  recent(): readonly RecentTrace[]
  flush(): Promise<void>
  /** Goes on in a new file of the same name. */
  reopen(): Promise<void>
  close(): Promise<void>
}

export interface RecentTrace {
  readonly batchId: string
  readonly connectionId: string
  readonly rcpttos: readonly string[]
  readonly atMs: number
  readonly callouts: number
  readonly failures: number
}

/** What a server is to trace from its start, and where to. */
export interface TraceSettings extends TraceChoice {
  readonly file: string
}

/** Rejects when the file cannot be had. Without settings nothing is traced until somebody asks for it. */
export async function startTraces(
  settings: TraceSettings | undefined,
  warn: (text: string) => void,
): Promise<Traces> {
  if (!settings) return openTraces({ choice: { sample: 0 } })
  const { file: path, ...choice } = settings
  const onLost = (lines: number): void => warn(`${lines} traces were lost: ${path} is not writable`)
  return openTraces({ choice, file: await openLogFile({ path, mode: 0o600, onLost }) })
}

export interface TracesOptions {
  readonly choice: TraceChoice
  readonly file?: Pick<LogFile, 'write' | 'flush' | 'reopen' | 'close'> | undefined
}

/** Records in memory, and those of sessions that may still come to be about somebody. */
const MOST_RECORDS = 5_000
const MOST_HELD = 200
const MOST_HELD_SESSIONS = 1_000
/** Characters of one text in a record, and entries of one list. */
const MOST_CHARACTERS = 2_000
const MOST_ENTRIES = 100

export function openTraces({ choice: first, file }: TracesOptions): Traces {
  const kept: CalloutTrace[] = []
  const held = makeHeld()
  let choice = first
  let isAbout = matcher(choice.about)
  const keep = (text: CalloutTrace): void => {
    kept.push(text)
    if (kept.length > MOST_RECORDS * 2) kept.splice(0, kept.length - MOST_RECORDS)
    file?.write(fromText(JSON.stringify(text)))
  }
  return {
    get choice() {
      return choice
    },
    choose(next) {
      choice = next
      isAbout = matcher(next.about)
    },
    wants: (connectionId) => choice.sample > 0 && isSampled(connectionId, choice.sample),
    take(traced) {
      const record = textual(bounded(traced))
      if (!isAbout) keep(record)
      else for (const one of held.sift(record, isAbout)) keep(one)
    },
    nowMs: Date.now,
    clockMs: () => performance.now(),
    find: (id) => recordsOf(kept, id.replaceAll('.', '/')),
    recent: () => recentOf(kept),
    flush: async () => file?.flush(),
    reopen: async () => file?.reopen(),
    close: async () => file?.close(),
  }
}

/** Ids are numbered on. */
function isSampled(connectionId: string, sample: number): boolean {
  return sample === 1 || Number.parseInt(connectionId.slice(-8), 16) % sample === 0
}

type IsAbout = (record: CalloutTrace) => boolean

function matcher(about: string | undefined): IsAbout | undefined {
  if (about === undefined) return undefined
  const quoted = about.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  const pattern = new RegExp(`^${quoted}$`, 'i')
  return ({ rcptto, batchId, messageId, connectionId, recipients }) =>
    [rcptto, batchId, messageId, connectionId, ...(recipients?.after ?? [])].some((text) =>
      pattern.test(text),
    )
}

/** Keeps what a session did until one of its records matches; from then on that, and what is of nobody. */
function makeHeld() {
  const sessions = new Map<string, { isMatched: boolean; records: CalloutTrace[] }>()
  return {
    sift(record: CalloutTrace, isAbout: IsAbout): readonly CalloutTrace[] {
      const { connectionId, rcptto } = record
      const session = sessions.get(connectionId) ?? { isMatched: false, records: [] }
      sessions.delete(connectionId)
      sessions.set(connectionId, session)
      if (sessions.size > MOST_HELD_SESSIONS) {
        const [oldest] = sessions.keys()
        if (oldest !== undefined) sessions.delete(oldest)
      }
      if (isAbout(record)) {
        session.isMatched = true
        return [...session.records.splice(0), record]
      }
      if (rcptto !== '') return []
      if (session.isMatched) return [record]
      session.records.push(record)
      if (session.records.length > MOST_HELD) session.records.shift()
      return []
    },
  }
}

function recordsOf(kept: readonly CalloutTrace[], id: string): readonly CalloutTrace[] {
  const known = kept.find(({ messageId, batchId }) => messageId === id || batchId === id)
  if (!known) return kept.filter(({ connectionId }) => connectionId === id)
  return kept.filter(
    ({ connectionId, batchId, messageId, rcptto }) =>
      connectionId === known.connectionId &&
      (batchId === '' || batchId === known.batchId) &&
      (id === known.batchId || rcptto === '' || messageId === id),
  )
}

function recentOf(kept: readonly CalloutTrace[]): readonly RecentTrace[] {
  const receptions = new Map<string, CalloutTrace[]>()
  for (const record of kept) {
    if (record.batchId === '') continue
    receptions.set(record.batchId, [...(receptions.get(record.batchId) ?? []), record])
  }
  return [...receptions.values()].toReversed().map((records) => ({
    batchId: records[0]?.batchId ?? '',
    connectionId: records[0]?.connectionId ?? '',
    rcpttos: [...new Set(records.map(({ rcptto }) => rcptto))].filter((rcptto) => rcptto !== ''),
    atMs: records[0]?.atMs ?? 0,
    callouts: records.length,
    failures: records.filter(({ result }) => result.startsWith('error: ')).length,
  }))
}

/** Policy may put anything of any length into variables and prints. */
function bounded<T>(value: T): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same, cut
  return cut(value) as T
}

function cut(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.length > MOST_CHARACTERS ? `${value.slice(0, MOST_CHARACTERS)}…` : value
  }
  if (Array.isArray(value)) return value.slice(0, MOST_ENTRIES).map(cut)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, cut(one)]))
}
