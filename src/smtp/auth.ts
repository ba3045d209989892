// AUTH PLAIN and LOGIN (RFC 4954, RFC 4616; LOGIN as everybody speaks it). Passwords come from a file, or
// policy judges them. Offered over TLS only, unless the configuration allows clear text.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { AuthOptions, Mechanism, PasswordSource } from '../config/auth.ts'
import { andThen, type Eventually } from '../mail/eventually.ts'
import type { AuthResult } from '../policy/authentication.ts'
import type { Answer, Command } from './conversation.ts'
import type { Session } from './state.ts'

/** Failures of one session; the next one ends it. */
const MAX_FAILURES = 3

const CANCELLED: Answer = { code: 501, enhanced: '5.7.0', text: 'authentication cancelled' }
const BAD_BASE64: Answer = { code: 501, enhanced: '5.5.2', text: 'cannot decode base64' }
const USERNAME = 'VXNlcm5hbWU6'
const PASSWORD = 'UGFzc3dvcmQ6'

/** The mechanisms that the reply to EHLO may offer. */
export function offeredMechanisms(session: Session): readonly Mechanism[] {
  const { auth, extensions } = session.surroundings.options
  if (!auth || (auth.needsTls && !session.tls)) return []
  return (['PLAIN', 'LOGIN'] as const).filter((name) => extensions.has(`AUTH ${name}`))
}

export function authenticate(session: Session, { argument }: Command): Eventually<Answer> {
  const { auth } = session.surroundings.options
  if (!auth) return { code: 500, enhanced: '5.5.2', text: 'unrecognized command' }
  if (auth.needsTls && !session.tls) {
    return { code: 538, enhanced: '5.7.11', text: 'encryption required for authentication' }
  }
  if (session.transaction || session.isAuthenticated) {
    return { code: 503, enhanced: '5.5.1', text: 'bad sequence of commands' }
  }
  const [name = '', initial, ...more] = argument.split(/[ \t]+/)
  const mechanism = offeredMechanisms(session).find((offered) => offered === name.toUpperCase())
  if (!mechanism) return { code: 504, enhanced: '5.5.4', text: 'unknown authentication mechanism' }
  if (more.length > 0) return { code: 501, enhanced: '5.5.4', text: 'invalid arguments to AUTH' }
  return mechanism === 'PLAIN' ? plain(session, auth, initial) : login(session, auth, initial)
}

function plain(
  session: Session,
  auth: AuthOptions,
  initial: string | undefined,
): Eventually<Answer> {
  return ask('', initial, (answer) => {
    const fields = answer.split('\0')
    const [authorizedAs = '', user = '', password = ''] = fields
    if (fields.length !== 3 || user === '') return BAD_BASE64
    if (authorizedAs !== '') session.context.connection.set('auth_authzid', authorizedAs)
    return judge(session, auth, { mechanism: 'PLAIN', user, password })
  })
}

function login(
  session: Session,
  auth: AuthOptions,
  initial: string | undefined,
): Eventually<Answer> {
  return ask(USERNAME, initial, (user) =>
    ask(PASSWORD, undefined, (password) =>
      judge(session, auth, { mechanism: 'LOGIN', user, password }),
    ),
  )
}

/** Decodes the answer to a challenge, which may have come with the command; `=` stands for an empty one. */
function ask(
  challenge: string,
  initial: string | undefined,
  take: (answer: string) => Eventually<Answer>,
): Eventually<Answer> {
  const read = (line: string): Eventually<Answer> => {
    if (line === '*') return CANCELLED
    const text = line === '=' ? '' : line
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text))
      return BAD_BASE64
    return take(Buffer.from(text, 'base64').toString('latin1'))
  }
  return initial === undefined ? { code: 334, text: challenge, next: read } : read(initial)
}

interface Credentials {
  readonly mechanism: Mechanism
  readonly user: string
  readonly password: string
}

function judge(session: Session, auth: AuthOptions, credentials: Credentials): Eventually<Answer> {
  return andThen(check(session, auth, credentials), (result) => {
    const { mechanism, user } = credentials
    const { connection } = session.context
    const name = auth.always === 'allow' ? 'anonymous' : user
    connection.set('auth_name', mechanism)
    connection.set('auth_user', name)
    connection.set('auth_status', result.status)
    for (const variable of ['auth_name', 'auth_user', 'auth_status', 'can_relay']) {
      session.injected.delete(variable)
    }
    if (auth.logs) {
      const { remoteAddress, remotePort, localAddress, localPort } = session.peer
      session.surroundings.journal.authentication({
        listener: `${localAddress}:${localPort}`,
        peer: `${remoteAddress}:${remotePort}`,
        user: name,
        isGood: result.status === 'pass',
      })
    }
    if (result.status === 'pass') {
      session.isAuthenticated = true
      connection.set('can_relay', 'true')
      return result.reply ?? { code: 235, enhanced: '2.7.0', text: 'authentication succeeded' }
    }
    if (result.status === 'error') {
      return { code: 454, enhanced: '4.7.0', text: 'temporary authentication failure' }
    }
    session.authFailures++
    const isLast = session.authFailures >= MAX_FAILURES
    const reply = result.reply ?? { code: 535, enhanced: '5.7.8', text: 'authentication failed' }
    return isLast
      ? { code: 421, enhanced: '4.7.0', text: 'too many authentication failures', close: true }
      : reply
  })
}

function check(
  session: Session,
  auth: AuthOptions,
  { mechanism, user, password }: Credentials,
): Eventually<AuthResult> {
  if (auth.always) return { status: auth.always === 'allow' ? 'pass' : 'fail' }
  const source = auth.sources.get(mechanism)
  if (source?.kind !== 'policy') return { status: knows(source, user, password) ? 'pass' : 'fail' }
  const { ac, vctx, surroundings } = session
  return surroundings.policy.authenticate(source, { user, password }, { ac, vctx })
}

/** Takes as long for a user who does not exist. */
function knows(
  source: Extract<PasswordSource, { kind: 'users' }> | undefined,
  user: string,
  password: string,
): boolean {
  const expected = source?.passwords.get(user)
  const isSame = timingSafeEqual(digest(password), digest(expected ?? ''))
  return isSame && expected !== undefined
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'latin1').digest()
}
