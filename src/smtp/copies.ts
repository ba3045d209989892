// What happens to each recipient's copy between the final dot and the spool: its callouts, the transform,
// the last callouts, in this order, one copy after the other (Momentum manual pages "policy" and
// "modules.smtpapi"). Every copy has a `vctx` of its own, so that none sees another's context or verdict.
import { andThen, type Eventually } from '../mail/eventually.ts'
import type { Message } from '../mail/message.ts'
import type { Reply } from '../mail/reply.ts'
import { sealContent } from '../msys/content.ts'
import type { MessageHandle, ValidationContext } from '../msys/handle.ts'
import { noVerdict } from '../msys/verdict.ts'
import type { CalloutName } from '../policy/phases.ts'
import type { Sending, Subject } from '../msys/runtime.ts'
import type { EntryCopy } from '../spool/entry.ts'
import type { Explain } from '../tracking/explain.ts'
import type { Sealing } from './seal.ts'
import type { Session } from './state.ts'
import { runPhases } from './verdict.ts'

export type CopyResult =
  | {
      readonly kind: 'accepted'
      readonly copy: EntryCopy
      readonly explain: (() => Explain) | undefined
    }
  | { readonly kind: 'discarded'; readonly reason: string }
  /** Policy refused this copy. */
  | { readonly kind: 'rejected'; readonly reply: Reply }
  /** Policy or the transform failed: nothing of the transaction may be queued. */
  | { readonly kind: 'failed'; readonly reply: Reply }

/** How long copies are worked on before others get a turn. */
const TURN_MS = 4

const EACH_COPY: readonly CalloutName[] = [
  'validate_data_spool_each_rcpt',
  'core_validate_data_spool_each_rcpt',
  'core_post_validate_data_spool_each_rcpt_v1',
]

const LAST: readonly CalloutName[] = [
  'core_final_validation2',
  'core_final_validation',
  'core_post_final_validation',
]

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
  const { now } = session.surroundings
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
    const vctx = copyView(session, message)
    return andThen(runCopy(session, message, vctx, sealing, options), (result) => {
      results.push(result)
      asked.tarpitSeconds += vctx.verdict.tarpitSeconds
      asked.disconnect ||= vctx.verdict.disconnect
      return endsTransaction(result) ? { results, ...asked } : next()
    })
  }
  return next()
}

/** A temporary refusal or a failure of one copy is that of all: the client will send everything again. */
export function endsTransaction(result: CopyResult): boolean {
  return result.kind === 'failed' || (result.kind === 'rejected' && result.reply.code < 500)
}

function runCopy(
  session: Session,
  message: Message,
  vctx: ValidationContext,
  sealing: Sealing,
  { sending, isInjected }: CopyOptions,
): Eventually<CopyResult> {
  const msg: MessageHandle = { kind: 'message', current: message }
  const subject: Subject = { msg, vctx, ac: session.ac, sending }
  const { context } = message
  const result = andThen(
    runPhases(session, isInjected ? [] : EACH_COPY, subject, context),
    (refusal) => {
      if (refusal) return { kind: 'rejected', reply: refusal } as const
      if (msg.current.discarded)
        return { kind: 'discarded', reason: msg.current.discarded } as const
      const tracked = sealing.track(msg.current, message.envelope.rcptto.text)
      if (tracked.kind === 'refused') return { kind: 'failed', reply: tracked.reply } as const
      sealContent(msg, tracked.fields, () => sealing.bodyOf(msg.current, tracked))
      const run = (phases: readonly CalloutName[]) => runPhases(session, phases, subject, context)
      const bound = andThen(run(['validate_set_binding']), (refusal) =>
        refusal || !msg.current.envelope.egress ? refusal : run(['core_post_validate_set_binding']),
      )
      return andThen(
        andThen(bound, (refusal) => refusal ?? run(LAST)),
        (late): CopyResult => {
          if (late) return { kind: 'rejected', reply: late }
          if (msg.current.discarded) return { kind: 'discarded', reason: msg.current.discarded }
          const copy = sealing.seal(msg.current, tracked)
          return { kind: 'accepted', copy, explain: tracked.explain }
        },
      )
    },
  )
  return andThen(result, (done) => {
    msg.gone = 'its copy has been spooled'
    vctx.gone = 'its copy has been spooled'
    return done
  })
}

/**
 * The session's `vctx`, bound to a copy: it reads and writes the copy's dictionaries. What it sets on the
 * connection also holds for later messages of the session, but not for the other copies of this one.
 */
function copyView(session: Session, { context }: Message): ValidationContext {
  const { recipients } = session.vctx
  return {
    kind: 'vctx',
    context,
    recipients,
    verdict: noVerdict(),
    onConnectionVariable(name, value) {
      if (value === undefined) session.context.connection.delete(name)
      else session.context.connection.set(name, value)
      session.injected.delete(name)
    },
    panic: (text) => session.vctx.panic(text),
  }
}
