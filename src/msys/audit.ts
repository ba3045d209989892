// `msys.audit`: who is connected, and what the monitors of inbound_audit have counted.
// Momentum manual pages "lua.ref.msys.audit.inbound_session_count", "lua.ref.msys.audit.connections" and its siblings.
import { LuaCallError } from '../lua/error.ts'
import type { LuaValue } from '../lua/value.ts'
import { countSessions } from './census.ts'
import { declare } from './declaration.ts'
import { type Monitored, monitorSeries } from './monitors.ts'
import { asString, isTable, optional, type Parameter, string } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import { blockOf, numberOption } from './seriesaddress.ts'
import type { Reach } from './shared/state.ts'

const fn = declare<undefined>()

const MONITORED: readonly Monitored[] = ['connections', 'receptions', 'rejections']

/** A table of options, or the block alone. */
const OPTIONS_OR_CIDR: Parameter<LuaValue> = {
  name: 'options',
  expects: 'table or cidr',
  read: (value) => (isTable(value) ? value : asString(value)),
  absent: { value: undefined },
}

export const AUDIT_FUNCTIONS = [
  ...MONITORED.map((kind) =>
    fn(
      `msys.audit.${kind}`,
      [string('monitor'), OPTIONS_OR_CIDR],
      {
        result: 'number',
        tier: 2,
        doc: `${kind} from the client, or from \`cidr\`, in the windows \`startv\` (0) to \`endv\` (0) of a monitor such as "60,1" of inbound_audit; of all nodes with \`cluster\``,
        differs: 'a reload keeps what was counted',
      },
      (_, [monitor, given], runtime) => countMonitored(kind, monitor, given, runtime),
    ),
  ),
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

function countMonitored(
  kind: Monitored,
  monitor: string,
  given: LuaValue,
  runtime: Runtime,
): number {
  const name = `msys.audit.${kind}`
  const options = isTable(given) ? given : undefined
  const block = blockOf(name, options ? options.get('cidr') : given, runtime)
  const reaches: readonly Reach[] =
    options?.get('cluster') === true ? ['cluster', 'node'] : ['node']
  const known = monitor.replaceAll(/\s/g, '')
  const { shared } = runtime
  const series = reaches
    .map((each) => monitorSeries(kind, known, block.family, each))
    .find((each) => shared.series(each))
  if (series === undefined) {
    throw new LuaCallError(`${name}: there is no monitor '${monitor}' (inbound_audit { monitors })`)
  }
  const [from, to] = [
    numberOption(name, options, 'startv', 0),
    numberOption(name, options, 'endv', 0),
  ]
  return shared.seriesSum(series, block, Math.min(from, to), Math.max(from, to))
}
