// Taking a trace of a callout: what it is about before and after, compared. Messages are values, so that
// their old state is there still; dictionaries and lists are copied.
import { DEFAULT_EGRESS, routingDomain } from '../mail/envelope.ts'
import type { ContextVariables } from '../mail/context.ts'
import type { Message } from '../mail/message.ts'
import { andThen, type Eventually } from '../mail/eventually.ts'
import { settleContent } from '../msys/content.ts'
import type { CalloutNotes, Subject } from '../msys/runtime.ts'
import type { Stage } from '../msys/stage.ts'
import type { Verdict } from '../msys/verdict.ts'
import type { CalloutTrace, Change, Tracer, VariableChange } from './trace.ts'

export interface TracedCallout {
  readonly callout: string
  readonly stage: Stage
  readonly module: string
  readonly script: string
}

/** Runs a callout that takes notes, and traces it. */
export function trace<T>(
  tracer: Tracer,
  callout: TracedCallout,
  subject: Subject,
  run: (notes: CalloutNotes) => Eventually<T>,
): Eventually<T> {
  const notes: CalloutNotes = { prints: [], outside: [], result: '' }
  const before = snapshot(subject)
  const atMs = tracer.nowMs()
  const startedMs = tracer.clockMs()
  return andThen(run(notes), (outcome) => {
    const ms = tracer.clockMs() - startedMs
    tracer.take({ ...compare(callout, subject, before), ...notes, atMs, ms })
    return outcome
  })
}

interface Snapshot {
  readonly connection: ContextVariables
  readonly message: ContextVariables
  readonly current: Message | undefined
  readonly recipients: readonly string[] | undefined
  readonly verdict: Verdict
}

type Fields = Message['fields']

/** The stages whose message is about one recipient. */
const OF_RECIPIENT: ReadonlySet<Stage> = new Set(['rcptto', 'copy', 'binding', 'final', 'delivery'])

function snapshot({ msg, vctx }: Subject): Snapshot {
  if (msg && !msg.gone) settleContent(msg)
  return {
    connection: new Map(vctx.context.connection),
    message: new Map(vctx.context.message),
    current: msg?.current,
    recipients: recipientsOf(vctx),
    verdict: { ...vctx.verdict },
  }
}

function compare(
  { stage, ...callout }: TracedCallout,
  subject: Subject,
  before: Snapshot,
): Omit<CalloutTrace, 'atMs' | 'ms' | 'result' | 'prints' | 'outside'> {
  const after = snapshot(subject)
  const old = before.current
  const now = after.current
  return {
    connectionId: subject.ac.connectionId,
    batchId: (old ?? subject.ac.construct.message?.current)?.batchId ?? '',
    messageId: old?.id ?? '',
    rcptto: OF_RECIPIENT.has(stage) ? (old?.envelope.rcptto.text ?? '') : '',
    ...callout,
    ...verdictChange(before.verdict, after.verdict),
    context: [
      ...variableChanges('connection', before.connection, after.connection),
      ...variableChanges('message', before.message, after.message),
    ],
    header: headerChange(old?.fields ?? [], now?.fields ?? []),
    ...bodyChange(old, now),
    ...recipientChange(before.recipients, after.recipients),
    envelope: old && now ? envelopeChanges(old, now) : [],
  }
}

function verdictChange(before: Verdict, { code, note, disconnect, tarpitSeconds }: Verdict) {
  const isSame =
    code === before.code &&
    note === before.note &&
    disconnect === before.disconnect &&
    tarpitSeconds === before.tarpitSeconds
  return isSame ? {} : { verdict: { code, text: note, disconnect, tarpitSeconds } }
}

function variableChanges(
  dictionary: VariableChange['dictionary'],
  before: ContextVariables,
  after: ContextVariables,
): VariableChange[] {
  const changes: VariableChange[] = []
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(name), after.get(name)]
    if (old !== now) changes.push({ dictionary, name, before: old, after: now })
  }
  return changes.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Fields are compared as they are sent: one that moved only has not changed. */
function headerChange(before: Fields, after: Fields): CalloutTrace['header'] {
  if (before === after) return { removed: [], added: [] }
  return { removed: without(before, after), added: without(after, before) }
}

function without(fields: Fields, others: Fields): string[] {
  const left = others.map(lineOf)
  return fields.map(lineOf).filter((line) => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

function lineOf({ bytes }: Fields[number]): string {
  return bytes.toString('latin1').replace(/\r\n$/, '')
}

function bodyChange(before: Message | undefined, after: Message | undefined) {
  if (!before || !after || before.body === after.body || before.body.equals(after.body)) return {}
  return { body: { before: before.body.length, after: after.body.length } }
}

function recipientsOf({ recipients }: Subject['vctx']): readonly string[] | undefined {
  return recipients?.list.map(({ text }) => text)
}

function recipientChange(
  before: readonly string[] | undefined,
  after: readonly string[] | undefined,
): { recipients?: Change<readonly string[]> } {
  if (!before || !after || before.join('\n') === after.join('\n')) return {}
  return { recipients: { before, after } }
}

function envelopeChanges(before: Message, after: Message): CalloutTrace['envelope'] {
  const old = envelopeFacts(before)
  return Object.entries(envelopeFacts(after)).flatMap(([name, value]) => {
    const known = old[name] ?? ''
    return known === value ? [] : [{ name, before: known, after: value }]
  })
}

function envelopeFacts({ envelope, priority, discarded }: Message): Record<string, string> {
  const { binding, group } = envelope.egress ?? DEFAULT_EGRESS
  return {
    mailfrom: envelope.mailfrom.text,
    rcptto: envelope.rcptto.text,
    'routing domain': routingDomain(envelope),
    binding: group === DEFAULT_EGRESS.group ? binding : `${binding} of ${group}`,
    priority: String(priority ?? 0),
    discarded: discarded ?? '',
  }
}
