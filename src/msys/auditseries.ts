// `msys.audit_series`: counts by address or text in sliding windows, of which 0 is the current one.
// Momentum manual pages "lua.ref.msys.audit_series.*".
import { LuaCallError } from '../lua/error.ts'
import type { LuaTable, LuaValue } from '../lua/value.ts'
import { declare } from './declaration.ts'
import { asString, isTable, number, optional, type Parameter, string, table } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import { addressOf, blockOf, numberOption } from './seriesaddress.ts'
import { applyOrWarn, boundedKey } from './shared/room.ts'
import { addressKey } from './shared/series.ts'
import type { SeriesKey, SeriesShape } from './shared/state.ts'

const fn = declare<undefined>()

/** Of a series. */
const MOST_WINDOWS = 10_000

const TYPES: Readonly<Record<string, SeriesShape['keys']>> = {
  cidr: 'ipv4',
  cidr_ipv6: 'ipv6',
  string: 'string',
}
const REPLICATION = ['none', 'cluster', 'manager']

/** A table of options, or the key alone. */
const OPTIONS_OR_KEY: Parameter<LuaValue> = {
  name: 'options',
  expects: 'table or key',
  read: (value) => (typeof value === 'boolean' ? undefined : value),
  absent: { value: undefined },
}
const OTHER_FAMILY = 'an address of the other family counts nothing'

export const AUDIT_SERIES_FUNCTIONS = [
  fn(
    'msys.audit_series.define',
    [
      string('name'),
      string('type'),
      number('interval'),
      number('num_windows'),
      optional(table('options')),
    ],
    {
      result: 'nil',
      tier: 1,
      doc: 'counts in windows of `interval` seconds; `cidr` by IPv4 address, `cidr_ipv6` by IPv6 address, `string` by text',
      differs:
        'defined again as it was it keeps what it has counted; the 100,000 keys that were counted last are kept; `serialize` writes nothing; `replicate = "cluster"` counts on a single node too',
    },
    (_, [name, type, windowSeconds, windows, options], runtime) => {
      const shape = readShape(type, windowSeconds, windows, options, runtime)
      if (runtime.shared.defineSeries(name, shape)) return
      throw new LuaCallError('msys.audit_series.define: there are too many series')
    },
  ),
  fn(
    'msys.audit_series.add',
    [string('name'), OPTIONS_OR_KEY],
    {
      result: 'nil',
      tier: 1,
      doc: 'counts in the current window: `count` (1) for `key`, which is the client when a series of addresses is given none',
      differs: OTHER_FAMILY,
    },
    (_, [name, given], runtime) => {
      const options = readOptions(given)
      const count = numberOption('msys.audit_series.add', options.table, 'count', 1)
      const key = storedKey('msys.audit_series.add', name, options.key, runtime)
      if (key === undefined) return
      const atMs = runtime.nowMs()
      applyOrWarn(runtime, { kind: 'series add', series: name, key, count, atMs })
    },
  ),
  fn(
    'msys.audit_series.count',
    [string('name'), OPTIONS_OR_KEY],
    {
      result: 'number',
      tier: 1,
      doc: 'the sum of the windows `startv` (0) to `endv` (0) for `key`: a text, an address, a block, or "/24" of the client',
      differs: OTHER_FAMILY,
    },
    (_, [name, given], runtime) => {
      const options = readOptions(given)
      const from = numberOption('msys.audit_series.count', options.table, 'startv', 0)
      const to = numberOption('msys.audit_series.count', options.table, 'endv', 0)
      const key = askedKey('msys.audit_series.count', name, options.key, runtime)
      if (key === undefined) return 0
      return runtime.shared.seriesSum(name, key, Math.min(from, to), Math.max(from, to))
    },
  ),
  fn(
    'msys.audit_series.remove_item',
    [string('name'), OPTIONS_OR_KEY],
    { result: 'nil', tier: 2, doc: 'forgets a key' },
    (_, [name, given], runtime) => {
      const { key: value } = readOptions(given)
      const key = storedKey('msys.audit_series.remove_item', name, value, runtime)
      if (key !== undefined) applyOrWarn(runtime, { kind: 'series remove', series: name, key })
    },
  ),
]

function readShape(
  type: string,
  windowSeconds: number,
  windows: number,
  options: LuaTable | undefined,
  { panic }: Runtime,
): SeriesShape {
  const keys = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
  if (!keys) throw wrong('#2 (cidr, cidr_ipv6 or string expected): type')
  if (!(windowSeconds >= 1)) throw wrong('#3 (a number of seconds expected): interval')
  if (!Number.isInteger(windows) || windows < 1 || windows > MOST_WINDOWS) {
    throw wrong(`#4 (a number from 1 to ${MOST_WINDOWS} expected): num_windows`)
  }
  const replicate = options?.get('replicate') ?? 'none'
  if (typeof replicate !== 'string' || !REPLICATION.includes(replicate)) {
    throw wrong('#5 (none, cluster or manager expected): replicate')
  }
  if (options?.get('serialize') === true) {
    panic('msys.audit_series.define: serialize is not supported: no log of the series is written')
  }
  return {
    keys,
    windowSeconds,
    windows,
    reach: replicate === 'none' ? 'node' : 'cluster',
    isPersistent: options?.get('persist') === true,
  }
}

function readOptions(given: LuaValue): { readonly table?: LuaTable; readonly key: LuaValue } {
  return isTable(given) ? { table: given, key: given.get('key') } : { key: given }
}

/** Undefined: an address of the other family. */
function storedKey(
  name: string,
  series: string,
  value: LuaValue,
  runtime: Runtime,
): string | undefined {
  const { keys } = definitionOf(name, series, runtime)
  if (keys === 'string') return textKey(name, value)
  const address = addressOf(name, value, runtime)
  return `ipv${address.family}` === keys ? addressKey(address) : undefined
}

function askedKey(
  name: string,
  series: string,
  value: LuaValue,
  runtime: Runtime,
): SeriesKey | undefined {
  const { keys } = definitionOf(name, series, runtime)
  if (keys === 'string') return textKey(name, value)
  const block = blockOf(name, value, runtime)
  return `ipv${block.family}` === keys ? block : undefined
}

function definitionOf(name: string, series: string, { shared }: Runtime): SeriesShape {
  const shape = shared.series(series)
  if (shape) return shape
  throw new LuaCallError(`${name}: there is no series '${series}' (msys.audit_series.define)`)
}

function textKey(name: string, value: LuaValue): string {
  const key = asString(value)
  if (key !== undefined) return boundedKey(key)
  throw new LuaCallError(`${name}: a series of strings needs a key`)
}

function wrong(text: string): LuaCallError {
  return new LuaCallError(`msys.audit_series.define: bad argument ${text}`)
}
