// Whether a user name and a password are good, as policy says: the callout `ac_auth_perform_auth`, or what a
// script gave to msys.registerAuth (Momentum manual pages "ac_auth", "lua.ref.msys.registerAuth").
import type { PasswordSource } from '../config/auth.ts'
import { isHandle, type LuaFunction, type LuaTable, type LuaValue } from '../lua/value.ts'
import { andThen, type Eventually, firstOf, orElse } from '../mail/eventually.ts'
import { readReply, type Reply } from '../mail/reply.ts'
import { CORE_CONSTANTS } from '../msys/constants.ts'
import type { EcString } from '../msys/ecstring.ts'
import type { CalloutNotes, CallSite, Subject } from '../msys/runtime.ts'
import type { Loaded } from './loaded.ts'
import { trace } from './tracing.ts'

export interface AuthResult {
  readonly status: 'pass' | 'fail' | 'error'
  /** What policy wants the client to be told. */
  readonly reply?: Reply
}

/** Byte strings. */
export interface Credentials {
  readonly user: string
  readonly password: string
}

type PolicySource = Extract<PasswordSource, { kind: 'policy' }>

/** The scheme of sources that ask the callout. */
const CALLOUT_SCHEME = 'ac_auth'

/** Never fails: what raises or is not there is an `error`, told in paniclog. */
export function authenticate(
  loaded: Loaded,
  source: PolicySource,
  credentials: Credentials,
  subject: Subject,
): Eventually<AuthResult> {
  return orElse(
    () =>
      source.scheme === CALLOUT_SCHEME
        ? askCallout(loaded, credentials, subject)
        : askScheme(loaded, source, credentials, subject),
    (error) => complain(loaded, error instanceof Error ? error.message : String(error)),
  )
}

function askCallout(
  loaded: Loaded,
  { user, password }: Credentials,
  subject: Subject,
): Eventually<AuthResult> {
  const [callout] = loaded.callouts.get('ac_auth_perform_auth') ?? []
  if (!callout) return complain(loaded, 'no script defines ac_auth_perform_auth')
  const response: EcString = { kind: 'ec_string', text: '' }
  const self = loaded.registrations[callout.module]?.table
  const args = [self, user, password, loaded.wrap(subject.ac), loaded.wrap(response)]
  return andThen(call(loaded, callout.run, args, callout.moduleName, subject), ([result]) => {
    const reply = readReply(response.text)
    const done: AuthResult = { ...resultOf(result), ...(reply && { reply }) }
    if (done.status === 'pass') return done
    const told = tellFailure(
      loaded,
      [user, loaded.wrap(subject.ac), loaded.wrap(response)],
      subject,
    )
    return andThen(told, () => done)
  })
}

/** `ac_auth_log_auth_failure` of every script that has it. */
function tellFailure(
  loaded: Loaded,
  args: readonly LuaValue[],
  subject: Subject,
): Eventually<undefined> {
  return firstOf(loaded.callouts.get('ac_auth_log_auth_failure') ?? [], (callout) => {
    const self = loaded.registrations[callout.module]?.table
    const called = call(loaded, callout.run, [self, ...args], callout.moduleName, subject)
    return andThen(called, () => undefined)
  })
}

function askScheme(
  loaded: Loaded,
  { scheme, filename, parameters }: PolicySource,
  { user, password }: Credentials,
  subject: Subject,
): Eventually<AuthResult> {
  const handlers = loaded.authSchemes.get(scheme)
  const run = handlers?.get('authenticate')
  if (!handlers || !isFunction(run)) {
    return complain(loaded, `no script registered the authentication scheme "${scheme}"`)
  }
  const args = [handlers, filename, parameters, user, password]
  return andThen(call(loaded, run, args, scheme, subject), ([result]) => resultOf(result))
}

function call(
  { state, options }: Loaded,
  run: LuaFunction,
  args: readonly LuaValue[],
  moduleName: string,
  subject: Subject,
): Eventually<readonly LuaValue[]> {
  const callout = 'ac_auth_perform_auth'
  const stage = 'ehlo'
  const invoke = (notes?: CalloutNotes): Eventually<readonly LuaValue[]> => {
    const context: CallSite = { callout, stage, moduleName, subject, ...(notes && { notes }) }
    return state.call(run, args, { label: callout, context })
  }
  const { tracer } = options
  if (!tracer?.wants(subject.ac.connectionId)) return invoke()
  const traced = { callout, stage, module: moduleName, script: '' } as const
  return trace(tracer, traced, subject, (notes) =>
    andThen(invoke(notes), (results) => {
      notes.result = resultOf(results[0]).status
      return results
    }),
  )
}

function resultOf(result: LuaValue): AuthResult {
  if (result === CORE_CONSTANTS['EC_AUTH_OK']) return { status: 'pass' }
  return { status: result === CORE_CONSTANTS['EC_AUTH_FAIL'] ? 'fail' : 'error' }
}

function complain({ options }: Loaded, text: string): AuthResult {
  options.panic('scriptlet', `authentication: ${text}`)
  return { status: 'error' }
}

function isFunction(value: LuaValue): value is LuaFunction {
  return isHandle(value, 'function')
}

/** Handlers by scheme. */
export type AuthSchemes = Map<string, LuaTable>
