// Who we say that we are to a next hop (Momentum manual page "modules.outbound_smtp_auth"): options, each
// overruled by the context variable of its name, which policy may set on a message.
import type { OutboundOptions } from '../config/config.ts'
import { AUTH_VARIABLES } from '../mail/envelope.ts'
import type { Entry, EntryCopy } from '../spool/entry.ts'

const TYPES = ['PLAIN', 'LOGIN', 'XOAUTH2'] as const

/** Byte strings. */
export interface Credentials {
  readonly user: string
  readonly password: string
  /** The mechanism; undefined: what the peer offers. */
  readonly type: 'PLAIN' | 'LOGIN' | 'XOAUTH2' | undefined
}

/** Undefined without a user and a password. */
export function credentialsOf(
  outbound: OutboundOptions,
  entry: Entry,
  copy: EntryCopy,
): Credentials | undefined {
  return credentialsBy(outbound, (name) => variable(name, entry, copy))
}

/** The same where the context variables are given by a function. */
export function credentialsBy(
  outbound: Pick<OutboundOptions, 'authUser' | 'authPassword' | 'authType'>,
  variableOf: (name: string) => string | undefined,
): Credentials | undefined {
  const [ownUser, ownPassword, ownType] = AUTH_VARIABLES.map(variableOf)
  const user = given(ownUser ?? outbound.authUser)
  const password = given(ownPassword ?? outbound.authPassword)
  const type = (ownType ?? outbound.authType).toUpperCase()
  if (user === undefined || password === undefined) return undefined
  return { user, password, type: TYPES.find((one) => one === type) }
}

function variable(name: string, entry: Entry, copy: EntryCopy): string | undefined {
  const { message, connection } = copy.context
  return (
    (name in message ? message[name] : entry.context.message[name]) ??
    (name in connection ? connection[name] : entry.context.connection[name]) ??
    undefined
  )
}

/** `false` is the manual's word for none. */
function given(value: string): string | undefined {
  return value === '' || value === 'false' ? undefined : value
}
