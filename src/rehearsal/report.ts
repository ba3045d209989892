// What a rehearsed mail came to, for people and programs: the shape of `run --json`, and what the text and
// the page show. Text, not byte strings; octets are base64.
import { fromBytes, toText } from '../mail/bytes.ts'
import type { CalloutTrace, VariableChange } from '../policy/trace.ts'
import type { SaidReply } from './client.ts'
import {
  type Difference,
  differenceOf,
  type HeaderDifference,
  headerDifference,
  type PartDifference,
  partDifferences,
} from './difference.ts'
import type {
  CopyReport,
  LinkReport,
  RecipientResult,
  SessionResult,
  TrackedUrl,
  TransactionResult,
} from './result.ts'
import { textual } from '../mail/textual.ts'

export interface RunReport {
  readonly scripts: readonly string[]
  /** `default` without one. */
  readonly configuration: string
  readonly message: { readonly name: string; readonly bytes: number }
  /** Whether every callout ran to its end. */
  readonly isSound: boolean
  readonly session: readonly SaidLine[]
  /** To the final dot, or what came before it. */
  readonly reply: SaidReply
  readonly recipients: readonly RecipientReport[]
  readonly sent: readonly SentReport[]
  readonly logs: SessionResult['logs']
  readonly trace: readonly CalloutTrace[]
}

export interface SaidLine {
  readonly command: string
  readonly reply: SaidReply
}

export interface RecipientReport {
  readonly rcptto: string
  readonly verdict: RecipientResult['verdict']
  readonly reply: SaidReply
  readonly reason?: string
  /** What policy did to context variables for this recipient, in the order of its doing. */
  readonly context: readonly ContextStep[]
  readonly copy?: CopyText
}

export interface ContextStep extends VariableChange {
  /** The callout and its module. */
  readonly callout: string
  readonly module: string
}

export interface CopyText {
  readonly mailfrom: string
  readonly rcptto: string
  readonly routingDomain: string
  readonly binding: string
  readonly bindingGroup: string
  readonly isPriority: boolean
  /** As the last callout left them. */
  readonly variables: CopyReport['after']
  readonly header: HeaderDifference
  readonly parts: readonly PartDifference[]
  /** Of the whole message, octet for octet; characters are octets. */
  readonly raw: Difference
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** Exactly what would be relayed, in base64; absent if it is not sent. */
  readonly bytes?: string
  readonly tracking?: TrackingText
}

export interface TrackingText {
  readonly links: readonly LinkReport[]
  readonly pixel: string
  readonly initialPixel: string
  readonly pixels: readonly TrackedUrl[]
  /** Parts that were left alone as a whole. */
  readonly leftAlone: readonly { readonly part: string; readonly why: string }[]
}

export interface SentReport {
  readonly kind: 'by policy' | 'notification'
  readonly mailfrom: string
  readonly rcptto: string
  readonly binding: string
  readonly bytes: string
  readonly text: string
}

export interface Played {
  readonly scripts: readonly string[]
  readonly configuration: string | undefined
  readonly messageName: string
  readonly messageBytes: number
  readonly helo: string
  readonly mailfrom: string
  readonly result: SessionResult
}

/** Of a session with one mail at most. */
export function reportRun(played: Played): RunReport {
  const { result } = played
  const [first] = result.transactions
  const trace = first?.trace ?? result.trace
  return {
    scripts: played.scripts,
    configuration: played.configuration ?? 'default',
    message: {
      name: played.messageName,
      bytes: played.messageBytes,
    },
    isSound: !trace.some((record) => record.result.startsWith('error: ')),
    session: textual(saidLines(played)),
    reply: textual(first?.reply ?? result.greeting),
    recipients: first?.recipients.map((recipient) => reportRecipient(first, recipient)) ?? [],
    sent:
      first?.sent.map(({ kind, mailfrom, rcptto, egress, bytes }) => ({
        kind,
        ...textual({ mailfrom, rcptto, binding: egress.binding, text: fromBytes(bytes) }),
        bytes: bytes.toString('base64'),
      })) ?? [],
    logs: textual(result.logs),
    trace: textual(trace),
  }
}

function saidLines({ helo, mailfrom, result }: Played): SaidLine[] {
  const { greeting, hello, auth, transactions } = result
  const [first] = transactions
  return [
    { command: '', reply: greeting },
    ...(hello ? [{ command: `EHLO ${helo}`, reply: hello }] : []),
    ...(auth ? [{ command: 'AUTH', reply: auth }] : []),
    ...(first ? [{ command: `MAIL FROM:<${mailfrom}>`, reply: first.mailfrom }] : []),
    ...(first?.rcpttos.map(({ rcptto, reply }) => ({ command: `RCPT TO:<${rcptto}>`, reply })) ??
      []),
    ...(first?.isDataSent ? [{ command: 'DATA', reply: first.reply }] : []),
  ]
}

function reportRecipient(
  transaction: TransactionResult,
  { copy, ...recipient }: RecipientResult,
): RecipientReport {
  const own = traceOf(transaction, recipient.rcptto, copy)
  const steps = own.flatMap(({ context: changes, callout, module }) =>
    changes.map((change): ContextStep => ({ ...change, callout, module })),
  )
  const context = [...steps, ...(copy ? transformSteps(own, copy) : [])]
  return {
    ...textual({ ...recipient, context }),
    ...(copy && { copy: reportCopy(transaction, copy) }),
  }
}

/** The callouts that one recipient's copy has been through: those about all of them, and its own. */
export function traceOf(
  { trace }: TransactionResult,
  rcptto: string,
  copy: CopyReport | undefined,
): readonly CalloutTrace[] {
  return trace.filter(
    (record) =>
      record.rcptto === '' ||
      (record.callout === 'validate_rcptto'
        ? record.rcptto === rcptto
        : record.messageId === copy?.id),
  )
}

/** What the copy has beyond its callouts: X-MSYS-API leaves what it says in variables. */
function transformSteps(trace: readonly CalloutTrace[], copy: CopyReport): ContextStep[] {
  const expected = new Map(Object.entries(copy.before.message))
  for (const { messageId, context, callout } of trace) {
    if (messageId !== copy.id || callout === 'validate_rcptto') continue
    for (const { dictionary, name, after } of context) {
      if (dictionary !== 'message') continue
      if (after === undefined) expected.delete(name)
      else expected.set(name, after)
    }
  }
  return Object.entries(copy.after.message).flatMap(([name, after]) => {
    const before = expected.get(name)
    if (before === after) return []
    return [
      { dictionary: 'message', name, before, after, callout: 'X-MSYS-API', module: 'smtpapi' },
    ]
  })
}

function reportCopy({ received }: TransactionResult, copy: CopyReport): CopyText {
  const { content, bytes, egress, tracking } = copy
  const original = Buffer.concat([received.header, CRLF, received.body])
  const now = bytes ?? Buffer.concat([content.header, CRLF, content.body])
  return {
    ...textual({
      mailfrom: copy.mailfrom,
      rcptto: copy.rcptto,
      routingDomain: copy.routingDomain,
      binding: egress.binding,
      bindingGroup: egress.group,
      variables: copy.after,
    }),
    isPriority: copy.isPriority,
    header: headerDifference(received, content),
    parts: partDifferences(received, content),
    raw: differenceOf(lines(original), lines(now)),
    bytesBefore: original.length,
    bytesAfter: now.length,
    ...(bytes && { bytes: bytes.toString('base64') }),
    ...(tracking && {
      tracking: {
        links: tracking.links.map(({ tracked, ...link }) => ({
          ...link,
          ...(tracked && { tracked: urlText(tracked) }),
        })),
        pixel: tracking.explain.pixel,
        initialPixel: tracking.explain.initialPixel,
        pixels: tracking.pixels.map(urlText),
        leftAlone: tracking.explain.parts,
      },
    }),
  }
}

/** Addresses in tokens are byte strings, all else is text. */
function urlText({ facts, ...url }: TrackedUrl): TrackedUrl {
  const { rcptTo, rawRcptTo, mailfrom } = facts
  return {
    ...url,
    facts: {
      ...facts,
      ...textual({ rcptTo, rawRcptTo, ...(mailfrom !== undefined && { mailfrom }) }),
    },
  }
}

const CRLF = Buffer.from('\r\n')

/** Of octets, for a comparison: the CR of a line's end is not shown. */
function lines(bytes: Buffer): string {
  return toText(fromBytes(bytes)).replaceAll('\r\n', '\n')
}
