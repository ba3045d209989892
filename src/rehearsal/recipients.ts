// What one transaction came to, from what the client heard, what the spool was given and what was seen of
// the copies.
import type { Context } from '../mail/context.ts'
import { DEFAULT_EGRESS, routingDomain } from '../mail/envelope.ts'
import { render } from '../mail/rendition.ts'
import type { Reply } from '../mail/reply.ts'
import { splitHeader } from '../mime/field.ts'
import type { CalloutTrace } from '../policy/trace.ts'
import type { SeenCopy } from '../smtp/watcher.ts'
import type { EntryCopy } from '../spool/entry.ts'
import type { Keyring } from '../tracking/keyring.ts'
import type { SaidReply } from './client.ts'
import type {
  CopyReport,
  Dictionaries,
  RecipientResult,
  SentMessage,
  Split,
  TransactionResult,
} from './result.ts'
import { reportTracking } from './tracked.ts'
import type { Spooled } from './world.ts'

export interface Played {
  readonly mailfrom: SaidReply
  readonly rcpttos: TransactionResult['rcpttos']
  readonly reply: SaidReply
  readonly isDataSent: boolean
  readonly given: Buffer
  readonly seen: readonly SeenCopy[]
  readonly traced: readonly CalloutTrace[]
  readonly spooled: readonly Spooled[]
  readonly keyring: Keyring
}

export function reportTransaction(played: Played): TransactionResult {
  const { mailfrom, rcpttos, reply, given, isDataSent } = played
  const own = played.seen.filter(({ original }) => original.endpoints !== undefined)
  return {
    mailfrom,
    rcpttos,
    reply,
    isDataSent,
    received: splitBytes(own[0]?.original.base ?? given),
    recipients: recipientsOf(played, own),
    sent: sentBeside(played),
    trace: played.traced,
  }
}

export function splitBytes(bytes: Buffer): Split {
  const { separator, body } = splitHeader(bytes)
  const end = bytes.length - body.length - separator.length
  return { header: bytes.subarray(0, end), body }
}

function recipientsOf(played: Played, copies: readonly SeenCopy[]): readonly RecipientResult[] {
  const left = [...copies]
  const asked = played.rcpttos.map(({ rcptto, reply }): RecipientResult => {
    if (reply.code >= 400) return { rcptto, verdict: 'refused', reply }
    const at = left.findIndex(({ original }) => original.envelope.rcptto.text === rcptto)
    const [copy] = at < 0 ? [] : left.splice(at, 1)
    return copy ? ofCopy(played, copy) : withoutCopy(played, rcptto, copies.length > 0)
  })
  return [...asked, ...left.map((copy) => ofCopy(played, copy))]
}

/** The message was refused or dropped as a whole, or policy took this recipient from the list. */
function withoutCopy({ reply }: Played, rcptto: string, hasCopies: boolean): RecipientResult {
  if (reply.code >= 400) return { rcptto, verdict: 'refused', reply }
  return { rcptto, verdict: hasCopies ? 'removed' : 'discarded', reply }
}

function ofCopy(played: Played, seen: SeenCopy): RecipientResult {
  const { result, original } = seen
  const rcptto = original.envelope.rcptto.text
  const copy = reportCopy(played, seen)
  switch (result.kind) {
    case 'accepted': {
      // What another copy or the spool did may still have refused all of them.
      const verdict = played.reply.code >= 400 ? 'refused' : 'accepted'
      return { rcptto, verdict, reply: played.reply, copy }
    }
    case 'discarded': {
      const verdict = played.reply.code >= 400 ? 'refused' : 'discarded'
      return { rcptto, verdict, reply: played.reply, reason: result.reason, copy }
    }
    case 'rejected': {
      const verdict = hasFailed(played, original.id) ? 'failed' : 'refused'
      return { rcptto, verdict, reply: saidBy(result.reply), copy }
    }
    case 'failed':
      return { rcptto, verdict: 'failed', reply: saidBy(result.reply), copy }
    default:
      return result satisfies never
  }
}

/** Whether a callout of this copy raised or was killed. */
function hasFailed({ traced }: Played, id: string): boolean {
  return traced.some(
    ({ messageId, rcptto, result }) =>
      messageId === id && rcptto !== '' && result.startsWith('error: '),
  )
}

export function saidBy({ code, enhanced, text }: Reply): SaidReply {
  return { code, text: enhanced ? `${enhanced} ${text}` : text }
}

function reportCopy({ spooled, keyring }: Played, seen: SeenCopy): CopyReport {
  const { before, message, result } = seen
  const bytes = bytesOf(spooled, message.id)
  const explain = result.kind === 'accepted' ? result.explain?.() : undefined
  const settings = result.kind === 'accepted' ? result.settings : undefined
  return {
    id: message.id,
    before: dictionariesOf(before),
    after: dictionariesOf(message.context),
    mailfrom: message.envelope.mailfrom.text,
    rcptto: message.envelope.rcptto.text,
    routingDomain: routingDomain(message.envelope),
    egress: message.envelope.egress ?? DEFAULT_EGRESS,
    isPriority: message.priority === 1,
    content: bytes
      ? splitBytes(bytes)
      : { header: Buffer.concat(message.fields.map((field) => field.bytes)), body: message.body },
    ...(bytes && { bytes }),
    ...(bytes &&
      explain &&
      settings && { tracking: reportTracking({ bytes, settings, explain }, keyring) }),
  }
}

function bytesOf(spooled: readonly Spooled[], id: string): Buffer | undefined {
  for (const { entry, data } of spooled) {
    const copy = entry.copies.find((one) => one.id === id)
    if (copy) return render(data, copy.rendition)
  }
  return undefined
}

function sentBeside({ seen, spooled }: Played): readonly SentMessage[] {
  const own = new Set(
    seen.flatMap(({ original }) => (original.endpoints ? [original.batchId] : [])),
  )
  const byPolicy = new Set(seen.map(({ original }) => original.batchId))
  return spooled
    .filter(({ entry }) => !own.has(entry.batchId))
    .flatMap(({ entry, data }) =>
      entry.copies.map((copy: EntryCopy): SentMessage => ({
        kind: byPolicy.has(entry.batchId) ? 'by policy' : 'notification',
        mailfrom: copy.mailfrom,
        rcptto: copy.rcptto,
        egress: copy.egress ?? DEFAULT_EGRESS,
        bytes: render(data, copy.rendition),
      })),
    )
}

function dictionariesOf({ connection, message }: Context): Dictionaries {
  return { connection: Object.fromEntries(connection), message: Object.fromEntries(message) }
}
