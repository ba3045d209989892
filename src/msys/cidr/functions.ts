// `msys.cidr`: tables of address blocks, from a data file of rbldnsd or from a data source.
// Momentum manual pages "lua.ref.msys.cidr.define", "lua.ref.msys.cidr.query", "lua.ref.msys.cidr.reload".
import { later } from '../../lua/binding.ts'
import { LuaCallError } from '../../lua/error.ts'
import type { LuaTable, LuaValue } from '../../lua/value.ts'
import { asObject, asString, isTable, type Parameter, string } from '../parameter.ts'
import { declare } from '../declaration.ts'
import type { Accept } from '../handle.ts'
import type { Runtime } from '../runtime.ts'
import type { SocketAddress } from '../sockaddr.ts'
import {
  type CidrDefinition,
  type CidrEntry,
  type CidrValue,
  type Loading,
  makeCidrEntry,
  readRbldnsd,
  readRows,
} from './store.ts'

const fn = declare<undefined>()

const DEFINE = 'msys.cidr.define'
const MOST_TABLES = 1_000
const MOST_OCTETS = 256 * 1024 * 1024

const OPTIONS_OR_TYPE: Parameter<LuaTable | string> = {
  name: 'options',
  expects: 'table or type',
  read: (value) => (isTable(value) ? value : asString(value)),
}

const ADDRESS: Parameter<LuaValue> = {
  name: 'address',
  expects: 'string, accept construct or socket address',
  read: (value) =>
    asString(value) ??
    asObject<Accept>(value, 'ac')?.remoteAddress ??
    asObject<SocketAddress>(value, 'sockaddr')?.address,
  absent: { value: undefined },
}

export const CIDR_FUNCTIONS = [
  fn(
    DEFINE,
    [string('name'), OPTIONS_OR_TYPE],
    {
      result: 'nil',
      tier: 1,
      doc: 'a table of networks, of `type` rbldnsd (`source`, `value` or `record_type` a or txt), datasource (`cachename`, `query`, `cidr_column`, `value_column`) or empty, loaded again after `refresh` seconds (1800); `interpolate` puts the client for `$`; `default_value` is for what is not in it',
      differs:
        'when it cannot be loaded paniclog says so, and it stays as it was until the next refresh; a refresh begins when it is asked after its time; a source is a file below file_roots; `optimize` is not needed',
    },
    (_, [name, options], runtime) => {
      const all = runtime.cidrTables
      if (!all.has(name) && all.size >= MOST_TABLES) {
        throw new LuaCallError(`${DEFINE}: there are too many tables`)
      }
      const report = (text: string): void => runtime.panic(`msys.cidr '${name}': ${text}`)
      const definition = readDefinition(options, runtime, report)
      const entry = makeCidrEntry(definition, runtime.nowMs, report)
      all.set(name, entry)
      return definition.load && later(() => entry.reload())
    },
  ),
  fn(
    'msys.cidr.query',
    [string('name'), ADDRESS],
    {
      result: 'string | default_value',
      tier: 1,
      doc: 'what a table says of an address, or of the client',
      differs: 'a text that is no address is in no table',
    },
    (_, [name, given], runtime) => {
      const entry = entryOf('msys.cidr.query', name, runtime)
      const client = runtime.callSite()?.subject?.ac.remoteAddress
      const address = typeof given === 'string' ? given : client
      if (address === undefined) {
        throw new LuaCallError(
          'msys.cidr.query: there is no session here, and no address was given',
        )
      }
      const { defaultValue, isInterpolated } = entry.definition
      const found = entry.find(address)
      if (found === undefined || found === false) return defaultValue
      if (!isInterpolated || found === true) return found
      return found.replaceAll('$', () => client ?? address)
    },
  ),
  fn(
    'msys.cidr.reload',
    [string('name')],
    { result: 'nil', tier: 2, doc: 'loads a table again' },
    (_, [name], runtime) => {
      const entry = entryOf('msys.cidr.reload', name, runtime)
      return entry.definition.load && later(() => entry.reload())
    },
  ),
]

function entryOf(name: string, table: string, runtime: Runtime): CidrEntry {
  const entry = runtime.cidrTables.get(table)
  if (entry) return entry
  throw new LuaCallError(`${name}: there is no table '${table}' (${DEFINE})`)
}

function readDefinition(
  options: LuaTable | string,
  runtime: Runtime,
  report: (text: string) => void,
): CidrDefinition {
  const table = typeof options === 'string' ? undefined : options
  const type = typeof options === 'string' ? options : options.get('type')
  return {
    defaultValue: scalarIn(table, 'default_value'),
    isInterpolated: table?.get('interpolate') === true,
    refreshSeconds: secondsIn(table, 'refresh', 1800),
    load: loader(type, table, runtime, report),
  }
}

function loader(
  type: LuaValue,
  options: LuaTable | undefined,
  runtime: Runtime,
  report: (text: string) => void,
): CidrDefinition['load'] {
  if (type === 'empty') return undefined
  if (type === 'rbldnsd') {
    const source = textIn(options, 'source').replace(/^file:\/\//, '')
    const column = (
      asString(options?.get('value') ?? options?.get('record_type')) ?? 'a'
    ).toLowerCase()
    if (column === 'a' || column === 'txt') return () => loadFile(source, column, runtime, report)
    throw wrong("'a' or 'txt' expected: value")
  }
  if (type === 'datasource') return rowsLoader(options, runtime, report)
  throw wrong('rbldnsd, datasource or empty expected: type')
}

/** All rows, whatever `max_rows` of the datasource says. */
function rowsLoader(
  options: LuaTable | undefined,
  { datasources }: Runtime,
  report: (text: string) => void,
): CidrDefinition['load'] {
  const name = textIn(options, 'cachename')
  const source = datasources.named(name)
  if (!source) throw new LuaCallError(`${DEFINE}: there is no datasource "${name}"`)
  const question = { sql: textIn(options, 'query'), params: [], isUncached: true }
  const cidrColumn = options?.get('cidr_column') ?? 1
  const valueColumn = options?.get('value_column')
  return async () => {
    const answer = await source.ask(question, new AbortController().signal, Infinity)
    const from = `datasource "${name}"`
    if (answer.kind !== 'rows') return { kind: 'failed', text: `${from}: ${answer.text}` }
    const cidr = columnOf(answer.columns, cidrColumn)
    const value = valueColumn === undefined ? undefined : columnOf(answer.columns, valueColumn)
    if (cidr === undefined || (valueColumn !== undefined && value === undefined)) {
      return { kind: 'failed', text: `${from}: there is no such column` }
    }
    const rows = answer.rows.map((row) => ({
      cidr: row[cidr],
      value: value === undefined || row[value],
    }))
    const skipped = (count: number): void => report(`${from}: ${count} rows have no network`)
    return { kind: 'loaded', table: await readRows(rows, skipped) }
  }
}

/** By name, or by number from 1. */
function columnOf(columns: readonly string[], column: LuaValue): number | undefined {
  const index = typeof column === 'number' ? column - 1 : columns.indexOf(asString(column) ?? '')
  return index in columns ? index : undefined
}

async function loadFile(
  source: string,
  column: 'a' | 'txt',
  { outside }: Runtime,
  report: (text: string) => void,
): Promise<Loading> {
  const file = await outside.files.read(source, MOST_OCTETS)
  if (file.kind !== 'read') return { kind: 'failed', text: `${source}: ${file.text}` }
  const skipped = (lines: number): void => report(`${source}: ${lines} lines are not understood`)
  return { kind: 'loaded', table: await readRbldnsd(file.octets, column, skipped) }
}

function textIn(options: LuaTable | undefined, key: string): string {
  const text = asString(options?.get(key))
  if (text !== undefined && text !== '') return text
  throw wrong(`string expected: ${key}`)
}

function secondsIn(options: LuaTable | undefined, key: string, otherwise: number): number {
  const value = options?.get(key) ?? otherwise
  if (typeof value === 'number' && value >= 0) return value
  throw wrong(`a number of seconds expected: ${key}`)
}

function scalarIn(options: LuaTable | undefined, key: string): CidrValue | number | undefined {
  const value = options?.get(key)
  if (typeof value !== 'object') return value
  throw wrong(`string, number or boolean expected: ${key}`)
}

function wrong(text: string): LuaCallError {
  return new LuaCallError(`${DEFINE}: bad argument #2 (${text})`)
}
