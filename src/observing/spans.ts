// The trace of a mail as OpenTelemetry sees it: smtp.session, in it smtp.message from MAIL to the reply to the
// final dot, in that policy.hook and spool.write, and later delivery.attempt. A message's context variable
// `traceparent` (W3C Trace Context) carries it: over restarts, into policy and logs, and from a client that
// gave one by XSETCONTEXT. Of who is not sampled nothing is made.
import { randomBytes } from 'node:crypto'
import { errorText } from '../events/lines.ts'
import type { Eventually } from '../mail/eventually.ts'
import type { Reply } from '../mail/reply.ts'
import type { Attempt } from '../relay/attempt.ts'
import type { Observers } from '../relay/settlement.ts'
import type { Conversation, Peer } from '../smtp/conversation.ts'
import type { Session, Transaction } from '../smtp/state.ts'
import type { Exporter } from '../telemetry/exporter.ts'
import type { Sampler } from '../telemetry/settings.ts'
import {
  type Attribute,
  isSampledBy,
  readTraceparent,
  type Span,
  type SpanContext,
  traceparentOf,
} from '../telemetry/span.ts'

export interface Spans {
  /** The same conversation of a session, and its trace is made. */
  watch(connectionId: string, peer: Peer, conversation: Conversation): Conversation
  /** The final dot. */
  receiving(
    session: Session,
    transaction: Transaction,
    receive: () => Eventually<Reply>,
  ): Eventually<Reply>
  /** Of a message of this session; the function that comes back ends it. */
  storing(connectionId: string): (failure?: string) => void
  /** The same observers, and attempts are spans. */
  watching(observers: Observers): Observers
  wants(connectionId: string): boolean
  /** A callout that is over. */
  called(callout: CalledOut): void
}

/** What of the trace of a callout is of use here. */
export interface CalledOut {
  readonly connectionId: string
  readonly callout: string
  readonly module: string
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly ms: number
  readonly result: string
  readonly context: readonly unknown[]
  readonly verdict?: { readonly code: number }
}

export interface SpanOptions {
  readonly exporter: Pick<Exporter, 'take'>
  readonly sampler: Sampler
  /** Milliseconds since 1970, with fractions. */
  now(): number
}

interface Live {
  readonly context: SpanContext
  /** When the transaction in hand began. */
  mailMs: number
  /** The message between the final dot and its reply. */
  message: SpanContext | undefined
  messages: number
}

const VARIABLE = 'traceparent'

export function makeSpans(options: SpanOptions): Spans {
  const work: Work = { ...options, live: new Map() }
  const attempted = (outcome: string, attempt: Attempt): void => noteAttempt(work, outcome, attempt)
  return {
    watch: (connectionId, peer, conversation) => watch(work, connectionId, peer, conversation),
    receiving: (session, transaction, receive) => receiving(work, session, transaction, receive),
    storing: (connectionId) => storing(work, connectionId),
    watching: ({ onDelivery, onDelay, onBounce }) => ({
      onDelivery(attempt) {
        const { event, tell } = onDelivery(attempt)
        return { event, tell: () => (attempted('delivered', attempt), tell()) }
      },
      onDelay(attempt) {
        attempted('deferred', attempt)
        onDelay(attempt)
      },
      onBounce(attempt) {
        const { event, tell } = onBounce(attempt)
        return { event, tell: () => (attempted('failed', attempt), tell()) }
      },
    }),
    wants: (connectionId) => parentOf(work, connectionId)?.isSampled ?? false,
    called: (callout) => noteCallout(work, callout),
  }
}

interface Work extends SpanOptions {
  /** By connection id. */
  readonly live: Map<string, Live>
}

function give({ exporter, now }: Work, span: Omit<Span, 'endMs' | 'isSampled'> & Ending): void {
  exporter.take({ endMs: now(), ...span, isSampled: true })
}

/** Now, unless it is given. */
interface Ending {
  readonly endMs?: number
}

function watch(
  work: Work,
  connectionId: string,
  peer: Peer,
  conversation: Conversation,
): Conversation {
  const context = beginTrace(work.sampler)
  const startMs = work.now()
  const own: Live = { context, mailMs: startMs, message: undefined, messages: 0 }
  work.live.set(connectionId, own)
  return {
    ...conversation,
    command(command) {
      if (command.verb === 'MAIL') own.mailMs = work.now()
      return conversation.command(command)
    },
    closed(aborted) {
      work.live.delete(connectionId)
      conversation.closed(aborted)
      if (!context.isSampled) return
      const facts = { 'eachrcpt.messages': own.messages, 'eachrcpt.aborted': aborted }
      const attributes = { ...peerOf(peer), ...idOf(connectionId), ...facts }
      give(work, { ...context, ...SESSION, startMs, attributes })
    },
  }
}

function receiving(
  work: Work,
  session: Session,
  { msg, recipients }: Transaction,
  receive: () => Eventually<Reply>,
): Eventually<Reply> {
  const own = work.live.get(session.connectionId)
  if (!own) return receive()
  own.messages++
  const from = work.sampler.isParentBased ? remoteOf(session) : undefined
  const parent = from ?? own.context
  if (!parent.isSampled) return receive()
  const context: SpanContext = { ...parent, spanId: newId(8) }
  own.message = context
  session.context.message.set(VARIABLE, traceparentOf(context))
  const facts = {
    ...idOf(session.connectionId),
    'eachrcpt.batch_id': msg.current.batchId,
    'eachrcpt.recipients': recipients.list.length,
  }
  return whenOver(receive, (reply, failure) => {
    own.message = undefined
    give(work, {
      ...context,
      ...MESSAGE,
      parentId: parent.spanId,
      startMs: own.mailMs,
      attributes: { ...facts, ...(reply && { 'smtp.reply.code': reply.code }) },
      error: reply && reply.code < 400 ? undefined : (reply?.text ?? failure),
      link: from && own.context,
    })
  })
}

function storing(work: Work, connectionId: string): (failure?: string) => void {
  const parent = work.live.get(connectionId)?.message
  if (!parent) return () => {}
  const startMs = work.now()
  return (error) => give(work, { ...childOf(parent), ...WRITE, startMs, attributes: {}, error })
}

function noteAttempt(work: Work, outcome: string, attempt: Attempt): void {
  const parent = readTraceparent(attempt.entry.context.message[VARIABLE] ?? '')
  if (!parent?.isSampled) return
  const error = outcome === 'delivered' ? undefined : attempt.text
  const attributes = attemptFacts(outcome, attempt)
  give(work, { ...childOf(parent), ...ATTEMPT, startMs: attempt.startedMs, attributes, error })
}

function noteCallout(work: Work, callout: CalledOut): void {
  const { atMs: startMs, ms, result, verdict } = callout
  const parent = parentOf(work, callout.connectionId)
  if (!parent?.isSampled) return
  const attributes = {
    'eachrcpt.hook': callout.callout,
    'eachrcpt.script': callout.module,
    'eachrcpt.return': result,
    'eachrcpt.context_changes': callout.context.length,
    ...(verdict && { 'eachrcpt.verdict.code': verdict.code }),
  }
  const error = result.startsWith('error: ') ? result : undefined
  give(work, { ...childOf(parent), ...HOOK, startMs, endMs: startMs + ms, attributes, error })
}

/** What a span of this session is in now. */
function parentOf({ live }: Work, connectionId: string): SpanContext | undefined {
  const own = live.get(connectionId)
  return own?.message ?? own?.context
}

const SESSION = { parentId: undefined, name: 'smtp.session', kind: 'server' } as const
const MESSAGE = { name: 'smtp.message', kind: 'server' } as const
const HOOK = { name: 'policy.hook', kind: 'internal' } as const
const WRITE = { name: 'spool.write', kind: 'internal' } as const
const ATTEMPT = { name: 'delivery.attempt', kind: 'client' } as const

function beginTrace({ ratio }: Sampler): SpanContext {
  const traceId = newId(16)
  return { traceId, spanId: newId(8), isSampled: isSampledBy(ratio, traceId) }
}

function childOf(parent: SpanContext) {
  return { traceId: parent.traceId, spanId: newId(8), parentId: parent.spanId }
}

function newId(octets: number): string {
  return randomBytes(octets).toString('hex')
}

/** What the client gave. */
function remoteOf({ context }: Session): SpanContext | undefined {
  return readTraceparent(context.message.get(VARIABLE) ?? context.connection.get(VARIABLE) ?? '')
}

function peerOf({ remoteAddress, remotePort }: Peer): Record<string, Attribute> {
  return { 'network.peer.address': remoteAddress, 'network.peer.port': remotePort }
}

function idOf(connectionId: string): Record<string, Attribute> {
  return { 'eachrcpt.connection_id': connectionId }
}

function attemptFacts(result: string, attempt: Attempt): Record<string, Attribute> {
  const { entry, copyIndex, code, stage, retries, remoteAddress, sizeBytes } = attempt
  return {
    'eachrcpt.outcome': result,
    'eachrcpt.batch_id': entry.batchId,
    'eachrcpt.message_id': entry.copies[copyIndex]?.id ?? '',
    'eachrcpt.stage': stage,
    'eachrcpt.retries': retries,
    'eachrcpt.size': sizeBytes,
    'smtp.reply.code': code,
    ...(remoteAddress && { 'network.peer.address': remoteAddress }),
  }
}

/** `end` gets the reply, or why there is none. */
function whenOver(
  run: () => Eventually<Reply>,
  end: (reply: Reply | undefined, failure?: string) => void,
): Eventually<Reply> {
  const succeed = (reply: Reply): Reply => {
    end(reply)
    return reply
  }
  const fail = (error: unknown): never => {
    end(undefined, errorText(error))
    throw error
  }
  let reply: Eventually<Reply>
  try {
    reply = run()
  } catch (error) {
    return fail(error)
  }
  return reply instanceof Promise ? reply.then(succeed, fail) : succeed(reply)
}
