// From the outcome of a phase to a reply, with the log line that every rejection gets.
// Momentum manual pages "lua.ref.vctx_set_code", "log_formats.rejectlog"; the text of a policy failure is
// Momentum's too.
import { bounceClass } from '../mail/bounceclass.ts'
import { lowerCase, toText } from '../mail/bytes.ts'
import { andThen, type Eventually, firstOf } from '../mail/eventually.ts'
import type { Context } from '../mail/context.ts'
import { type Reply, replyLine } from '../mail/reply.ts'
import type { ValidationContext } from '../msys/handle.ts'
import { noVerdict, type Verdict } from '../msys/verdict.ts'
import { type CalloutName, phaseOf } from '../policy/phases.ts'
import { stateNumber } from '../policy/states.ts'
import type { PhaseOutcome } from '../policy/session.ts'
import type { Subject } from '../msys/runtime.ts'
import type { Session } from './state.ts'
import { viewOf } from './view.ts'

/** Who a rejectlog line names: policy, or this server's own checks. */
export const SCRIPTLET = 'scriptlet'
export const OWN_CHECK = 'esmtp_listener'

/** What a phase of the session is about, beside the session itself. */
export type Topic = Pick<Subject, 'msg' | 'str' | 'sending' | 'extra'>

/**
 * Runs the phases of one command, one after the other, after a possible tarpit. Undefined: policy has
 * nothing to say, and the command goes on.
 */
export function judge(
  session: Session,
  callouts: readonly CalloutName[],
  topic: Topic = {},
): Eventually<Reply | undefined> {
  const { ac, context, sending, vctx } = session
  vctx.verdict = noVerdict()
  const refused = runPhases(session, callouts, { sending, ...topic, ac, vctx }, context)
  return andThen(refused, (refusal) => {
    const reply = refusal ?? verdictReply(vctx.verdict)
    const { tarpitSeconds } = vctx.verdict
    if (tarpitSeconds === 0) return reply
    return session.surroundings.delay(tarpitSeconds * 1000).then(() => reply)
  })
}

/** Runs phases in order until one refuses. */
export function runPhases(
  session: Session,
  callouts: readonly CalloutName[],
  subject: Subject,
  context: Context,
): Eventually<Reply | undefined> {
  return firstOf(callouts, (callout) =>
    andThen(session.policy.run(callout, subject), (outcome) =>
      refusalOf(session, callout, outcome, subject.vctx, context),
    ),
  )
}

/** The reply that a verdict asks for, with policy's text as it is; undefined when there is none. */
export function verdictReply(verdict: Verdict): Reply | undefined {
  if (verdict.code === 0) return verdict.disconnect ? DISCONNECTED : undefined
  return { code: verdict.code, text: verdict.note, ...(verdict.disconnect && { close: true }) }
}

export interface RejectionFacts {
  readonly state: string
  readonly reply: Reply
  readonly module: string
  readonly context: Context
}

export function logRejection(session: Session, facts: RejectionFacts): void {
  const { peer, surroundings, connectionId } = session
  const { options, journal } = surroundings
  const text = replyLine(facts.reply)
  const { message } = facts.context
  const line = {
    remote: `${peer.remoteAddress}:${peer.remotePort}`,
    local: `${peer.localAddress}:${peer.localPort}`,
    connectionId,
    pathway: options.pathway,
    pathwayGroup: options.pathwayGroup,
    state: facts.state,
    code: facts.reply.code,
    module: facts.module,
    context: facts.context,
    text,
  }
  journal.rejection(line, {
    message_id: surroundings.ids.message(),
    error_code: String(facts.reply.code),
    bounce_class: String(bounceClass(text)),
    raw_reason: toText(text),
    reason: toText(text),
    remote_addr: `${peer.remoteAddress}:${peer.remotePort}`,
    msg_from: toText(addressOf(message, 'mailfrom')),
    rcpt_to: toText(lowerCase(addressOf(message, 'rcptto'))),
    raw_rcpt_to: toText(addressOf(message, 'rcptto')),
    pathway: toText(options.pathway),
    pathway_group: toText(options.pathwayGroup),
    recv_method: 'esmtp',
    customer_id: toText(facts.context.connection.get('mo_customer_id') ?? ''),
  })
  tellRejection(session, facts, text)
}

/** The hook sees the rejection and can change nothing of it. */
function tellRejection(session: Session, { context, reply, state }: RejectionFacts, text: string) {
  const { ac, sending, surroundings } = session
  if (!surroundings.policy.has('core_log_rejection')) return
  const vctx = viewOf(session, context)
  vctx.verdict = { ...vctx.verdict, code: reply.code, note: reply.text }
  const now = surroundings.now() / 1000
  const extra = { now, phase: stateNumber(state), format: text, args: '' }
  void session.policy.run('core_log_rejection', { ac, vctx, sending, extra })
}

/** The reply that ends things: policy's rejection or its failure, logged. Undefined: it passed. */
function refusalOf(
  session: Session,
  callout: CalloutName,
  outcome: PhaseOutcome,
  vctx: ValidationContext,
  context: Context,
): Reply | undefined {
  const { state } = phaseOf(callout)
  const rejection = refusalReply(session, outcome, vctx.verdict)
  if (rejection) logRejection(session, { state, reply: rejection, module: SCRIPTLET, context })
  return rejection
}

const DISCONNECTED: Reply = { code: 421, enhanced: '4.7.0', text: 'disconnected', close: true }

function refusalReply(
  session: Session,
  outcome: PhaseOutcome,
  verdict: Verdict,
): Reply | undefined {
  if (outcome.kind === 'failed') {
    return { ...policyFailure(session), ...(verdict.disconnect && { close: true }) }
  }
  const reply = verdictReply(verdict)
  if (outcome.kind === 'final') return reply ?? FINAL_REPLIES[outcome.result]
  return reply && reply.code >= 400 ? reply : undefined
}

export function policyFailure({ surroundings }: Session): Reply {
  const text = `${surroundings.hostname} temporary issue, please retry your message later`
  return { code: 421, text }
}

const FINAL_REPLIES: Readonly<Record<'reject' | 'defer', Reply>> = {
  reject: { code: 550, enhanced: '5.7.0', text: '[internal] rejected by policy' },
  defer: { code: 451, enhanced: '4.7.0', text: '[internal] deferred by policy' },
}

function addressOf(message: ReadonlyMap<string, string>, prefix: 'mailfrom' | 'rcptto'): string {
  const localpart = message.get(`${prefix}_localpart`) ?? ''
  return localpart ? `${localpart}@${message.get(`${prefix}_domain`) ?? ''}` : ''
}
