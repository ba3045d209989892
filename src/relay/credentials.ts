// Who we say that we are to a next hop (Momentum manual page "modules.outbound_smtp_auth"): options, each
// overruled by the context variable of its name, which policy may set on a message.
import type { OutboundOptions } from '../config/config.ts'
import type { Changes, ContextChanges } from '../mail/context.ts'
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

/** Undefined without a user and a password. `changed`: variables that policy has changed since it was stored. */
export function credentialsOf(
  outbound: OutboundOptions,
  entry: Entry,
  copy: EntryCopy,
  changed: ContextChanges | undefined,
): Credentials | undefined {
  return credentialsBy(outbound, (name) => {
    const of = (which: keyof ContextChanges): string | null | undefined =>
      latest(name, changed?.[which], copy.context[which], entry.context[which])
    return of('message') ?? of('connection') ?? undefined
  })
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

function latest(
  name: string,
  changed: Changes | undefined,
  own: Changes,
  common: Changes,
): string | null | undefined {
  if (changed && name in changed) return changed[name]
  return name in own ? own[name] : common[name]
}

/** `false` is the manual's word for none. */
function given(value: string): string | undefined {
  return value === '' || value === 'false' ? undefined : value
}
