// AUTH PLAIN and LOGIN (RFC 4954, RFC 4616; LOGIN as everybody speaks it). Passwords come from a file, or
// policy judges them. Offered over TLS only, unless the configuration allows clear text.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { AuthOptions, Mechanism, PasswordSource } from '../config/auth.ts'
import { andThen, type Eventually } from '../mail/eventually.ts'
import type { AuthResult } from '../policy/authentication.ts'
import { AUTH_ERROR, AUTH_FAIL, AUTH_OK } from '../msys/constants.ts'
import type { Answer, Command } from './conversation.ts'
import type { Session } from './state.ts'
import { judge as judgePhase } from './verdict.ts'

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
  const checked = andThen(preJudge(session), (early) => early ?? check(session, auth, credentials))
  return andThen(checked, (result) => {
    const { mechanism } = credentials
    const user = auth.always === 'allow' ? 'anonymous' : credentials.user
    note(session, mechanism, user, result)
    const extra = {
      auth_info: new Map([
        ['username', user],
        ['mechanism', mechanism],
      ]),
      auth_status: STATUS_NUMBERS[result.status],
    }
    return andThen(judgePhase(session, ['core_validate_auth'], { extra }), (verdict) => {
      const isRefused = result.status === 'pass' && verdict !== undefined && verdict.code >= 400
      const final: AuthResult = isRefused ? { status: 'fail', reply: verdict } : result
      if (auth.logs) log(session, user, final)
      return conclude(session, verdict ? { ...final, reply: verdict } : final)
    })
  })
}

const STATUS_NUMBERS = { pass: AUTH_OK, fail: AUTH_FAIL, error: AUTH_ERROR } as const

/** `core_pre_esmtp_auth` may decide whatever the credentials are. */
function preJudge(session: Session): Eventually<AuthResult | undefined> {
  const { ac, sending, surroundings, vctx } = session
  if (!surroundings.policy.has('core_pre_esmtp_auth')) return undefined
  return andThen(session.policy.run('core_pre_esmtp_auth', { ac, vctx, sending }), (outcome) => {
    if (outcome.kind === 'failed') return { status: 'error' }
    if (outcome.kind !== 'answer') return undefined
    if (outcome.value === AUTH_OK) return { status: 'pass' }
    return { status: outcome.value === AUTH_FAIL ? 'fail' : 'error' }
  })
}

function note(session: Session, mechanism: Mechanism, user: string, { status }: AuthResult): void {
  const { connection } = session.context
  connection.set('auth_name', mechanism)
  connection.set('auth_user', user)
  connection.set('auth_status', status)
  for (const variable of ['auth_name', 'auth_user', 'auth_status', 'can_relay']) {
    session.injected.delete(variable)
  }
}

function log({ peer, surroundings }: Session, user: string, { status }: AuthResult): void {
  const { remoteAddress, remotePort, localAddress, localPort } = peer
  surroundings.journal.authentication({
    listener: `${localAddress}:${localPort}`,
    peer: `${remoteAddress}:${remotePort}`,
    user,
    isGood: status === 'pass',
  })
}

function conclude(session: Session, { status, reply }: AuthResult): Answer {
  const { connection } = session.context
  connection.set('auth_status', status)
  if (status === 'pass') {
    session.isAuthenticated = true
    connection.set('can_relay', 'true')
    if (reply) return { ...reply, code: 235 }
    return { code: 235, enhanced: '2.7.0', text: 'authentication succeeded' }
  }
  if (status === 'error') {
    return { code: 454, enhanced: '4.7.0', text: 'temporary authentication failure' }
  }
  session.authFailures++
  if (session.authFailures >= MAX_FAILURES) {
    return { code: 421, enhanced: '4.7.0', text: 'too many authentication failures', close: true }
  }
  const isRefusal = reply !== undefined && reply.code >= 400
  return isRefusal ? reply : { code: 535, enhanced: '5.7.8', text: 'authentication failed' }
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
