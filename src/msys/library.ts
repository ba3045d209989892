// What the Lua library itself provides of Momentum's API (src/lua/library): declared here for the table,
// bound there.
import type { Declaration } from './declaration.ts'

const ROWS: readonly (readonly [name: string, parameters: readonly string[], doc: string])[] = [
  ['thread.mutex', ['type?'], 'a lock; waiting for it suspends the callout'],
  ['thread.rwlock', [], 'a lock for many readers or one writer'],
  ['thread.condition', [], 'a condition that callouts wait for'],
  ['thread.sleep', ['seconds'], 'waits'],
  ['thread.create', ['run'], 'there are no threads beside callouts'],
]

export const LIBRARY: readonly Declaration[] = ROWS.map(([name, parameters, doc]) => ({
  name,
  parameters,
  result: 'userdata',
  tier: name === 'thread.mutex' ? 1 : 3,
  support: name === 'thread.create' ? 'unavailable' : 'full',
  doc,
}))

/** What policy defines itself, for the bundled script that looks for it (policy/default_policy.lua). */
export const DEFAULT_POLICY: readonly Declaration[] = [
  {
    name: 'msys.dp_config.custom_policy',
    result: 'table',
    tier: 2,
    support: 'full',
    doc: 'functions such as pre_validate_data and post_validate_data, which the bundled script `default_policy` runs before and after its own checks',
    differs:
      'of the tables of msys.dp_config the bundled script knows whitelist, concurrent_connection_limits, rbls, fcdns, mail_from_domain_validate, recipient_validation, message_size_limits, audit_series (connections, messages, mailfrom, auth_user, invalid_recipients), relay_authorization; paniclog names the others',
  },
]
