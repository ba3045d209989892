// How clients prove who they are: the sources of passwords of a listener (Momentum manual "inbound_smtp").
// A source is a `file://` of user:password lines, `ac_auth://`, which asks policy, or the scheme that policy
// gave to msys.registerAuth.
import { readFileSync } from 'node:fs'
import { decode } from './bytes.ts'
import { ConfigError, quote, type Place } from './error.ts'
import type { Warn } from './schema/option.ts'
import { AUTH } from './schema/security.ts'
import { givenFor, type Stanza, valueOf } from './stanza.ts'

export type Mechanism = 'PLAIN' | 'LOGIN'

export type PasswordSource =
  /** Byte strings. */
  | { readonly kind: 'users'; readonly passwords: ReadonlyMap<string, string> }
  | {
      readonly kind: 'policy'
      /** `ac_auth` for the callout of that name, else a scheme of msys.registerAuth. */
      readonly scheme: string
      /** What follows `scheme://`. */
      readonly filename: string
      readonly parameters: ReadonlyMap<string, string>
    }

export interface AuthOptions {
  readonly sources: ReadonlyMap<Mechanism, PasswordSource>
  readonly logs: boolean
  readonly needsTls: boolean
  /** Anybody is let in, as `anonymous`, or nobody. */
  readonly always: 'allow' | 'deny' | undefined
}

const PARAMETERS = { PLAIN: AUTH.plain, LOGIN: AUTH.login } as const

type Users = ReadonlyMap<string, string>
type UsersOf = (path: string, place: Place) => Users

export type AuthReader = (
  chain: readonly Stanza[],
  listed: ReadonlySet<string>,
) => AuthOptions | undefined

/**
 * Undefined unless smtp_extensions lists AUTH with a mechanism and says where passwords are. A file of users is
 * read once; one that is not there is warned about, and nobody gets in.
 */
export function authReader(warn: Warn): AuthReader {
  const known = new Map<string, Users>()
  const usersOf: UsersOf = (path, place) => {
    const users = known.get(path) ?? readUsers(path)
    if (!users) {
      warn(place, `there is no readable file ${quote(path)}: nobody can log in with it`)
      return new Map()
    }
    known.set(path, users)
    return users
  }
  return (chain, listed) => readAuth(chain, listed, usersOf)
}

function readAuth(
  chain: readonly Stanza[],
  listed: ReadonlySet<string>,
  usersOf: UsersOf,
): AuthOptions | undefined {
  const mechanisms = (['PLAIN', 'LOGIN'] as const).filter((name) => listed.has(`AUTH ${name}`))
  if (mechanisms.length === 0) return undefined
  const always = valueOf(AUTH.alwaysAllow, chain)
    ? 'allow'
    : valueOf(AUTH.alwaysDeny, chain)
      ? 'deny'
      : undefined
  const sources = new Map<Mechanism, PasswordSource>()
  let logs = false
  for (const mechanism of mechanisms) {
    const given = givenFor(PARAMETERS[mechanism], chain)
    if (!given?.value) {
      if (always) continue
      return undefined
    }
    sources.set(mechanism, readSource(given.value, given.place, usersOf))
    logs ||= given.value.get('log_authentication') === 'true'
  }
  return { sources, logs, needsTls: !valueOf(AUTH.withoutTls, chain), always }
}

function readSource(
  parameters: ReadonlyMap<string, string>,
  place: Place,
  usersOf: UsersOf,
): PasswordSource {
  const uri = parameters.get('uri') ?? ''
  const [, scheme = '', filename = ''] = /^([\w.+-]+):(?:\/\/)?(.*)$/s.exec(uri) ?? []
  if (scheme === '') {
    throw new ConfigError(
      place,
      'uri',
      `expected file:// and a path, ac_auth:// or a scheme, found ${quote(uri)}`,
    )
  }
  if (scheme === 'digest' || scheme === 'smtp_auth_proxy') {
    throw new ConfigError(
      place,
      'uri',
      `${scheme}:// is not supported: expected file://, ac_auth:// or a scheme of msys.registerAuth`,
    )
  }
  if (scheme !== 'file') return { kind: 'policy', scheme, filename, parameters }
  return { kind: 'users', passwords: usersOf(decode(filename), place) }
}

/** Lines `user:password`; `#` begins a comment line. */
function readUsers(path: string): Users | undefined {
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch {
    // The caller warns.
    return undefined
  }
  const users = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (!line.startsWith('#') && colon > 0) users.set(line.slice(0, colon), line.slice(colon + 1))
  }
  return users
}
