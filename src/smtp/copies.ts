// What happens to each recipient's copy between the final dot and the spool: its callouts, the transform,
// the last callouts, in this order, one copy after the other (Momentum manual pages "policy" and
// "modules.smtpapi"). Every copy has a `vctx` of its own, so that none sees another's context or verdict.
import { andThen, type Eventually } from '../mail/eventually.ts'
import { type Context, copyContext } from '../mail/context.ts'
import type { Message } from '../mail/message.ts'
import type { Reply } from '../mail/reply.ts'
import { sealContent } from '../msys/content.ts'
import { lowerCase } from '../mail/bytes.ts'
import type { EcString } from '../msys/ecstring.ts'
import type { MessageHandle, ValidationContext } from '../msys/handle.ts'
import type { CalloutName } from '../policy/phases.ts'
import type { PhaseOutcome } from '../policy/session.ts'
import { ENQUEUE_OK } from '../msys/constants.ts'
import type { Sending, Subject } from '../msys/runtime.ts'
import type { EntryCopy } from '../spool/entry.ts'
import type { Explain } from '../tracking/explain.ts'
import type { TrackingSettings } from '../tracking/options.ts'
import type { Sealing, TrackedCopy } from './seal.ts'
import type { Session } from './state.ts'
import { viewOf } from './view.ts'
import { logRejection, runPhases, SCRIPTLET } from './verdict.ts'

export type CopyResult =
  | {
      readonly kind: 'accepted'
      readonly copy: EntryCopy
      readonly settings: TrackingSettings
      readonly explain: (() => Explain) | undefined
      /** For `core_log_reception_v1`, where a script has it. */
      readonly received: MessageHandle | undefined
    }
  | { readonly kind: 'discarded'; readonly reason: string }
  /** Policy refused this copy. */
  | { readonly kind: 'rejected'; readonly reply: Reply }
  /** Policy or the transform failed: nothing of the transaction may be queued. */
  | { readonly kind: 'failed'; readonly reply: Reply }

/** How long copies are worked on before others get a turn. */
const TURN_MS = 4

const EACH_COPY: readonly CalloutName[] = [
  'core_pre_msg_each_rcpt',
  'validate_data_spool_each_rcpt',
  'core_validate_data_spool_each_rcpt',
  'core_post_validate_data_spool_each_rcpt_v1',
  'core_post_msg_each_rcpt',
]

/** Messages that policy sends come over no protocol. */
const EACH_INJECTED_COPY: readonly CalloutName[] = [
  'core_pre_msg_each_rcpt',
  'core_post_msg_each_rcpt',
]

const FINAL: readonly CalloutName[] = ['core_final_validation2', 'core_final_validation']
const VERY_LAST: readonly CalloutName[] = ['core_post_final_validation']

/** What the copies came to, in their order, and what policy asked of the connection meanwhile. */
export interface CopiesDone {
  readonly results: readonly CopyResult[]
  readonly tarpitSeconds: number
  readonly disconnect: boolean
}

/** How copies are run: with what their callouts send by, and whether policy made the message. */
export interface CopyOptions {
  readonly sending: Sending
  /** Such a message has no callouts before links and pixel are put in. */
  readonly isInjected?: true
}

/** Runs the copies in order; stops at the first that refuses the whole transaction. */
export function runCopies(
  session: Session,
  copies: readonly Message[],
  sealing: Sealing,
  options: CopyOptions,
): Eventually<CopiesDone> {
  const results: CopyResult[] = []
  const asked = { tarpitSeconds: 0, disconnect: false }
  const { now, watcher } = session.surroundings
  let turnEnds = now() + TURN_MS
  const next = (): Eventually<CopiesDone> => {
    const message = copies[results.length]
    if (!message) return { results, ...asked }
    if (now() >= turnEnds) {
      return new Promise<void>(setImmediate).then(() => {
        turnEnds = now() + TURN_MS
        return next()
      })
    }
    const vctx = viewOf(session, message.context)
    const msg: MessageHandle = { kind: 'message', current: message }
    const before = watcher && copyContext(message.context)
    return andThen(runCopy(session, msg, vctx, sealing, options), (result) => {
      results.push(result)
      if (before)
        watcher.ended({ session, original: message, before, message: msg.current, result })
      asked.tarpitSeconds += vctx.verdict.tarpitSeconds
      asked.disconnect ||= vctx.verdict.disconnect
      return endsTransaction(result) ? { results, ...asked } : next()
    })
  }
  return next()
}

/** The reply as the copies want it. Of what they took nothing is kept while the disk is waited for. */
export function replyAfter(
  session: Session,
  concluded: Eventually<Reply>,
  { tarpitSeconds, disconnect }: CopiesDone,
): Eventually<Reply> {
  return andThen(concluded, (sent) => {
    const reply = disconnect ? { ...sent, close: true } : sent
    if (tarpitSeconds === 0) return reply
    return session.surroundings.delay(tarpitSeconds * 1000).then(() => reply)
  })
}

/** A temporary refusal or a failure of one copy is that of all: the client will send everything again. */
export function endsTransaction(result: CopyResult): boolean {
  return result.kind === 'failed' || (result.kind === 'rejected' && result.reply.code < 500)
}

function runCopy(
  session: Session,
  msg: MessageHandle,
  vctx: ValidationContext,
  sealing: Sealing,
  { sending, isInjected }: CopyOptions,
): Eventually<CopyResult> {
  const subject: Subject = { msg, vctx, ac: session.ac, sending }
  const { context, envelope } = msg.current
  const result = andThen(
    runPhases(session, isInjected ? EACH_INJECTED_COPY : EACH_COPY, subject, context),
    (refusal) => {
      if (refusal) return { kind: 'rejected', reply: refusal } as const
      if (msg.current.discarded)
        return { kind: 'discarded', reason: msg.current.discarded } as const
      const tracked = sealing.track(msg.current, envelope.rcptto.text)
      if (tracked.kind === 'refused') return { kind: 'failed', reply: tracked.reply } as const
      sealContent(msg, tracked.fields, () => sealing.bodyOf(msg.current, tracked))
      return finishCopy(session, { ...subject, msg }, context, sealing, tracked)
    },
  )
  return andThen(result, (done) => {
    msg.gone = 'its copy has been spooled'
    // Lua may keep the handle, and with it all that the transform has found out.
    msg.sealedBody = undefined
    vctx.gone = 'its copy has been spooled'
    return done
  })
}

/** The callouts that see links and pixel; after them the copy is what it will be. */
function finishCopy(
  session: Session,
  subject: Subject & { readonly msg: MessageHandle },
  context: Context,
  sealing: Sealing,
  tracked: TrackedCopy,
): Eventually<CopyResult> {
  const { msg } = subject
  const run = (phases: readonly CalloutName[]) => runPhases(session, phases, subject, context)
  const routed = chooseQueue(session, subject)
  const bound = andThen(
    andThen(routed, () => run(['validate_set_binding'])),
    (refusal) =>
      refusal || !msg.current.envelope.egress ? refusal : run(['core_post_validate_set_binding']),
  )
  const judged = andThen(bound, (refusal) => refusal ?? run(FINAL))
  const signed = andThen(judged, (refusal) => {
    if (refusal) return refusal
    if (!msg.current.discarded) session.surroundings.signCopy?.(msg)
    return run(VERY_LAST)
  })
  return andThen(signed, (late): Eventually<CopyResult> => {
    if (late) return { kind: 'rejected', reply: late }
    if (msg.current.discarded) return { kind: 'discarded', reason: msg.current.discarded }
    return andThen(askLast(session, subject, context), (refused): CopyResult => {
      if (refused) return refused
      const copy = sealing.seal(msg.current, tracked)
      const isLogged = session.surroundings.policy.has('core_log_reception_v1')
      const received = isLogged ? snapshotOf(msg) : undefined
      const { settings, explain } = tracked
      return { kind: 'accepted', copy, settings, explain, received }
    })
  })
}

const QUEUE_HOOK = 'core_config_get_message_routing_domain'

/** Lets policy name the domain whose queue and next hop the copy takes. */
function chooseQueue(
  session: Session,
  subject: Subject & { readonly msg: MessageHandle },
): Eventually<void> {
  if (!session.surroundings.policy.has(QUEUE_HOOK)) return undefined
  const buff: EcString = { kind: 'ec_string', text: '' }
  const asked = session.policy.run(QUEUE_HOOK, { ...subject, extra: { buff } })
  return andThen(asked, ({ kind }) => {
    const domain = lowerCase(buff.text.trim())
    if (kind !== 'answer' || !/^[^\s@<>]{1,253}$/.test(domain)) return
    const { msg } = subject
    msg.current = { ...msg.current, envelope: { ...msg.current.envelope, routingDomain: domain } }
  })
}

function snapshotOf({ current, sealedBody }: MessageHandle): MessageHandle {
  return { kind: 'message', current, isSnapshot: true, ...(sealedBody && { sealedBody }) }
}

const NOT_STORED: Reply = { code: 451, enhanced: '4.3.0', text: 'local error in processing' }

/** The hooks around the queue: they may keep a copy out of it. */
function askLast(
  session: Session,
  subject: Subject,
  context: Context,
): Eventually<CopyResult | undefined> {
  const now = session.surroundings.now() / 1000
  const refuse = (): CopyResult => {
    const module = SCRIPTLET
    logRejection(session, { state: 'async body response', reply: NOT_STORED, module, context })
    return { kind: 'rejected', reply: NOT_STORED }
  }
  const ask = (name: CalloutName, extra: Subject['extra'] & {}): Eventually<PhaseOutcome> =>
    session.surroundings.policy.has(name)
      ? session.policy.run(name, { ...subject, extra })
      : { kind: 'done' }
  return andThen(ask('core_pre_swap_out_meta', { flags: 0 }), (meta) => {
    if (meta.kind === 'failed' || (meta.kind === 'answer' && meta.value === 0)) return refuse()
    return andThen(ask('core_ec_message_enqueue', { now }), (queued) => {
      if (queued.kind === 'done') return undefined
      return queued.kind === 'answer' && queued.value === ENQUEUE_OK ? TAKEN : refuse()
    })
  })
}

/** The hook has the message now: the client sees success, and rejectlog why it is in no queue. */
const TAKEN: CopyResult = {
  kind: 'discarded',
  reason: '550 5.7.1 [internal] taken by core_ec_message_enqueue',
}
