// STARTTLS (RFC 3207), and what a session knows once TLS is in use (Momentum manual pages
// "starttls_injection_policy", "policy.context.variables").
import type { Answer, Command, TlsFacts } from './conversation.ts'
import { andThen, type Eventually } from '../mail/eventually.ts'
import { readReply, type Reply } from '../mail/reply.ts'
import { noVerdict } from '../msys/verdict.ts'
import type { Session } from './state.ts'
import { endTransaction } from './transaction.ts'
import { logRejection, OWN_CHECK, policyFailure, SCRIPTLET } from './verdict.ts'

/** Whether the reply to EHLO may offer it. */
export function offersTls({ surroundings, tls }: Session): boolean {
  const { options } = surroundings
  return options.extensions.has('STARTTLS') && options.tls !== undefined && tls === undefined
}

export function startTls(session: Session, { argument, isPipelined }: Command): Answer {
  const { options } = session.surroundings
  if (argument) return { code: 501, enhanced: '5.5.4', text: 'no parameters allowed' }
  if (session.tls) return { code: 503, enhanced: '5.5.1', text: 'TLS is in use already' }
  if (session.transaction) return { code: 503, enhanced: '5.5.1', text: 'bad sequence of commands' }
  if (!options.tls) return { code: 454, enhanced: '4.7.0', text: 'TLS not available' }
  if (isPipelined && options.startTlsInjection === 'reject') {
    const reply = {
      code: 554,
      enhanced: '5.5.1',
      text: 'commands sent behind STARTTLS',
      close: true,
    }
    logRejection(session, {
      state: 'extension 1',
      reply,
      module: OWN_CHECK,
      context: session.context,
    })
    return reply
  }
  return { code: 220, enhanced: '2.0.0', text: 'ready to start TLS', next: { tls: options.tls } }
}

/** What the client said in clear is forgotten; what policy and configuration set stays. */
export function secured(session: Session, facts: TlsFacts): Eventually<Reply | undefined> {
  noteTls(session, facts)
  return judgeTls(session)
}

const HOOK = 'core_inbound_smtp_tls_post_accept'
const REFUSED: Reply = { code: 421, enhanced: '4.7.0', text: 'TLS Negotiation failed.' }

/** Policy refuses with a code other than 220 and `disconnect`; the text is in `_tls_note`. */
function judgeTls(session: Session): Eventually<Reply | undefined> {
  const { ac, context, sending, surroundings, vctx } = session
  if (!surroundings.policy.has(HOOK)) return undefined
  vctx.verdict = noVerdict()
  const extra = { event: 0, eventtype: 0, vclosure: 0, now: surroundings.now() / 1000 }
  return andThen(session.policy.run(HOOK, { ac, vctx, sending, extra }), (outcome) => {
    const { code, disconnect } = vctx.verdict
    const isRefused = disconnect && code !== 220
    if (outcome.kind !== 'failed' && !isRefused) return undefined
    const reply =
      outcome.kind === 'failed'
        ? policyFailure(session)
        : (readReply(context.connection.get('_tls_note') ?? '') ?? REFUSED)
    logRejection(session, { state: 'extension 1', reply, module: SCRIPTLET, context })
    return reply
  })
}

function noteTls(session: Session, facts: TlsFacts): void {
  const { connection } = session.context
  session.tls = facts
  delete session.hello
  endTransaction(session, 'STARTTLS')
  const said = ['ehlo_string', 'ehlo_domain', 'auth_status', 'auth_user', 'auth_name']
  for (const name of [...said, ...session.injected]) connection.delete(name)
  session.injected.clear()
  session.isAuthenticated = false
  connection.set('tls', 'on')
  connection.set('tls_cipher', facts.cipher)
  connection.set('tls_cipher_algbits', String(facts.bits))
  connection.set('tls_cipher_usebits', String(facts.bits))
  const { peer } = facts
  if (!peer) return
  connection.set('tls_client_cert_subject', peer.subject)
  connection.set('tls_client_cert_subject_cn', peer.subjectName)
  connection.set('tls_client_cert_issuer', peer.issuer)
  connection.set('tls_client_cert_issuer_cn', peer.issuerName)
  if (!peer.isVerified) return
  connection.set('tls_client_verified', 'yes')
  if (session.surroundings.options.verifiedPeerCanRelay) connection.set('can_relay', 'true')
}
