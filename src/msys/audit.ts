// `msys.audit`: who is connected, without an accept construct.
// Momentum manual page "lua.ref.msys.audit.inbound_session_count".
import { LuaCallError } from '../lua/error.ts'
import { countSessions } from './census.ts'
import { declare } from './declaration.ts'
import { optional, string } from './parameter.ts'

const fn = declare<undefined>()

export const AUDIT_FUNCTIONS = [
  fn(
    'msys.audit.inbound_session_count',
    [optional(string('cidr')), optional(string('service'), 'SMTP')],
    { result: 'number', tier: 2, doc: 'live inbound sessions, as ac:inbound_session_count' },
    (_, [cidr, service], { callSite }) => {
      const ac = callSite()?.subject?.ac
      if (ac) return countSessions('msys.audit.inbound_session_count', ac, service, cidr)
      throw new LuaCallError('msys.audit.inbound_session_count: there is no session here')
    },
  ),
]
