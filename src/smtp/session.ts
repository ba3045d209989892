// One SMTP session as a Conversation: which command means what, and in which order they may come
// (RFC 5321 §4.1.4). Replies are Momentum's (manual page "message_responses").
import { errorText } from '../events/lines.ts'
import { emptyContext } from '../mail/context.ts'
import { andThen, type Eventually, orElse } from '../mail/eventually.ts'
import { type Reply, replyTo } from '../mail/reply.ts'
import { noVerdict } from '../msys/verdict.ts'
import { SessionAccept } from './accept.ts'
import { authenticate } from './auth.ts'
import type { Answer, Command, Conversation, DataLimits, Peer } from './conversation.ts'
import { greet, hello } from './hello.ts'
import { dumpContext, setContext } from './contextverbs.ts'
import { setClient, setRemoteAddress } from './identity.ts'
import { NO_MEMORY } from './refusal.ts'
import { secured, startTls } from './starttls.ts'
import { addRecipient, endTransaction, reconfigured, startTransaction } from './transaction.ts'
import type { Session, SessionSurroundings } from './state.ts'

export function openSession(peer: Peer, surroundings: SessionSurroundings): Conversation {
  const session = newSession(peer, surroundings)
  // An error that nothing expected must not end the process, nor the connection: a temporary reply.
  const guarded = <T extends Reply>(attempt: () => Eventually<T>): Eventually<T | Reply> =>
    orElse(attempt, (error) => {
      surroundings.journal.panic('esmtp_listener', `${session.connectionId}: ${errorText(error)}`)
      return replyTo(error)
    })

  return {
    implicitTls: surroundings.options.usesTls ? surroundings.options.tls : undefined,
    greet: () => guarded(() => greet(session)),
    command: (command) =>
      guarded(() => andThen(note(session, command), () => runCommand(session, command))),
    secured: (facts) => secured(session, facts),
    data(command) {
      void note(session, command)
      return dataLimits(session, command)
    },
    received(received) {
      const { transaction } = session
      if (!transaction) return BAD_SEQUENCE
      session.messageCount++
      if (received.kind === 'message') session.lastSize = received.bytes.length
      const reply = guarded(() => surroundings.receive(session, transaction, received))
      return andThen(reply, (sent) => {
        endTransaction(session, 'the transaction is over')
        return sent
      })
    },
    violation() {},
    closed: (aborted) => close(session, aborted),
  }
}

function close(session: Session, aborted: boolean): void {
  const { ac, policy, surroundings, vctx } = session
  // Its dictionaries stay: callouts that wait may still be at work on the message.
  if (session.transaction) session.transaction.msg.gone = OVER
  const isTold = aborted && surroundings.policy.has(ABORT)
  void andThen(isTold ? policy.run(ABORT, { ac, vctx }) : undefined, () => {
    void policy.close()
    ac.gone = OVER
    vctx.gone = OVER
  })
}

const OVER = 'the session is over'
const ABORT = 'core_server_esmtp_session_abort'
const POST_COMMAND = 'core_post_smtp_command'

/** Tells policy of a command line, whatever it is. */
function note(session: Session, { line }: Command): Eventually<unknown> {
  session.command = `${line}\r\n`
  const { ac, sending, surroundings, vctx } = session
  if (!surroundings.policy.has(POST_COMMAND)) return undefined
  const extra = { b: session.command.length }
  return session.policy.run(POST_COMMAND, { ac, vctx, sending, extra })
}

const OK: Reply = { code: 250, enhanced: '2.0.0', text: 'OK' }
const BAD_SEQUENCE: Reply = { code: 503, enhanced: '5.5.1', text: 'bad sequence of commands' }
const NO_PARAMETERS: Reply = { code: 501, enhanced: '5.5.4', text: 'no parameters allowed' }
const UNRECOGNIZED: Reply = { code: 500, enhanced: '5.5.2', text: 'unrecognized command' }

/** Verbs that a scope must list among its smtp_extensions. */
const EXTENSION_VERBS: Readonly<
  Record<string, (session: Session, command: Command) => Eventually<Answer>>
> = {
  STARTTLS: startTls,
  XCLIENT: setClient,
  XDUMPCONTEXT: dumpContext,
  XREMOTEIP: setRemoteAddress,
  XSETCONTEXT: setContext,
}

/** A session as it begins; one that nobody talks to is what policy sends by outside of all. */
export function newSession(peer: Peer, surroundings: SessionSurroundings): Session {
  const { options, ids, journal, policy } = surroundings
  const connectionId = ids.connection()
  const context = emptyContext()
  for (const [name, value] of options.context) context.connection.set(name, value)
  context.connection.set('pathway', options.pathway)
  if (options.canRelay) context.connection.set('can_relay', 'true')
  const injected = new Set<string>()
  const session: Session = {
    peer,
    surroundings,
    connectionId,
    policy: policy.openSession(),
    ac: new SessionAccept(() => session, connectionId),
    context,
    vctx: {
      kind: 'vctx',
      context,
      verdict: noVerdict(),
      grants: (name) => context.connection.get(name) === 'true' && !injected.has(name),
      onConnectionVariable: (name) => void injected.delete(name),
      panic: (text) => journal.panic('scriptlet', text),
    },
    sending: {
      hostname: surroundings.hostname,
      newId: () => ids.batch(),
      inject: (injection) => surroundings.send(session, injection),
    },
    injected,
    command: '',
    isRefused: false,
    isAuthenticated: false,
    relaysSender: false,
    authFailures: 0,
    messageCount: 0,
    recipientCount: 0,
    lastSize: 0,
  }
  return session
}

function runCommand(session: Session, command: Command): Eventually<Answer> {
  const { verb, argument } = command
  if (verb === 'QUIT') return quit(session)
  if (session.isRefused) return BAD_SEQUENCE
  switch (verb) {
    case 'EHLO':
    case 'HELO':
      return hello(session, command, verb)
    case 'MAIL':
      return startTransaction(session, command)
    case 'RCPT':
      return addRecipient(session, command)
    case 'RSET':
      return argument ? { ...NO_PARAMETERS, text: 'invalid arguments to RSET' } : reset(session)
    case 'NOOP':
      return OK
    case 'VRFY':
      return { code: 252, enhanced: '2.0.0', text: 'cannot verify, but will take the message' }
    case 'HELP':
      return { code: 214, enhanced: '2.0.0', text: 'see RFC 5321' }
    case 'EXPN':
      return { code: 502, enhanced: '5.5.1', text: 'command not implemented' }
    default:
      return runExtension(session, command)
  }
}

function runExtension(session: Session, command: Command): Eventually<Answer> {
  if (command.verb === 'AUTH') return authenticate(session, command)
  const verb = session.surroundings.options.extensions.has(command.verb)
    ? EXTENSION_VERBS[command.verb]
    : undefined
  return verb ? verb(session, command) : UNRECOGNIZED
}

function quit({ surroundings }: Session): Reply {
  return {
    code: 221,
    enhanced: '2.0.0',
    text: `${surroundings.hostname} closing connection`,
    close: true,
  }
}

function reset(session: Session): Reply {
  endTransaction(session, 'RSET')
  return reconfigured(session) ?? OK
}

function dataLimits(session: Session, { argument }: Command): DataLimits | Reply {
  const { options } = session.surroundings
  if (session.isRefused) return BAD_SEQUENCE
  if (argument) return { ...NO_PARAMETERS, text: 'unexpected argument to DATA' }
  if (!session.transaction) return { ...BAD_SEQUENCE, text: 'DATA without MAIL FROM' }
  if (session.transaction.recipients.list.length === 0) {
    return { ...BAD_SEQUENCE, text: 'DATA without RCPT TO' }
  }
  if (!session.surroundings.hasRoom()) return NO_MEMORY
  const { maxMessageSize, loneLineEnds } = options
  const expected = Number(session.transaction.parameters.get('SIZE') ?? session.lastSize)
  return { maxMessageSize, expected, loneLineEnds, hold: session.surroundings.hold }
}
