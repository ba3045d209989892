// `msys.db`: statements to data sources. Momentum manual pages "lua.ref.msys.db.query",
// "lua.ref.msys.db.fetch_row", "lua.ref.msys.db.execute".
import { later } from '../../lua/binding.ts'
import { abortSignal } from '../../lua/call.ts'
import { LuaCallError } from '../../lua/error.ts'
import { type LuaTable, type LuaValue, multiple, type Multiple } from '../../lua/value.ts'
import type { SqlAnswer, SqlParams, SqlValue } from '../../outside/outside.ts'
import { declare } from '../declaration.ts'
import { asString, optional, string, table, typeName } from '../parameter.ts'
import type { Runtime } from '../runtime.ts'
import { runningCall } from '../waiting.ts'
import type { Rows } from './cache.ts'
import type { Datasource, Question } from './datasources.ts'

const fn = declare<undefined>()

const STATEMENT = [
  string('cache'),
  string('sql'),
  optional(table('params')),
  optional(table('options')),
] as const

const DIFFERS =
  'what comes from SQLite is numbers and texts, from PostgreSQL and MySQL texts; `?`, `:name` and `$name` work with each of them, and `??` is a question mark'

export const DB_FUNCTIONS = [
  fn(
    'msys.db.query',
    STATEMENT,
    {
      result: 'iterator | nil, error',
      tier: 1,
      doc: 'asks a data source; the iterator gives a table for each row, by names of columns. `nocache` asks anew, `raise_error = false` gives nil and the error instead of raising it',
      differs: DIFFERS,
    },
    (_, [cache, sql, params, options], runtime) =>
      ask('msys.db.query', { cache, sql, params, options }, runtime, (rows) =>
        iterator(rows, runtime),
      ),
  ),
  fn(
    'msys.db.fetch_row',
    STATEMENT,
    {
      result: 'table | nil | nil, error',
      tier: 1,
      doc: 'the first row; nil alone when there is none',
      differs: DIFFERS,
    },
    (_, [cache, sql, params, options], runtime) =>
      ask('msys.db.fetch_row', { cache, sql, params, options }, runtime, (rows) =>
        multiple(rowTable(rows, 0, runtime)),
      ),
  ),
  fn(
    'msys.db.execute',
    STATEMENT,
    {
      result: 'true | false, error',
      tier: 1,
      doc: 'writes to a data source; `raise_error = false` gives false and the error instead of raising it',
      differs: DIFFERS,
    },
    (_, [cache, sql, params, options], runtime) => {
      const request = { cache, sql, params, options, isWrite: true }
      return ask('msys.db.execute', request, runtime, () => multiple(true))
    },
  ),
]

interface Request {
  readonly cache: string
  readonly sql: string
  readonly params: LuaTable | undefined
  readonly options: LuaTable | undefined
  readonly isWrite?: boolean
}

function ask(
  name: string,
  { cache, sql, params, options, isWrite }: Request,
  { datasources }: Runtime,
  give: (rows: Rows) => Multiple,
) {
  const raises = options?.get('raise_error') !== false
  const conclude = (answer: SqlAnswer): Multiple => {
    if (answer.kind === 'rows') return give(answer)
    if (answer.kind === 'refused' || raises) throw new LuaCallError(`${name}: ${answer.text}`)
    return isWrite ? multiple(false, answer.text) : multiple(undefined, answer.text)
  }
  const source = datasources.named(cache)
  if (!source) return conclude({ kind: 'failed', text: `there is no datasource "${cache}"` })
  const question: Question = {
    sql,
    params: readParams(name, params),
    isUncached: isWrite === true || options?.get('nocache') === true,
  }
  const kept = source.find(question)
  return kept ? conclude(kept) : wait(name, source, question, conclude)
}

function wait(
  name: string,
  source: Datasource,
  question: Question,
  conclude: (answer: SqlAnswer) => Multiple,
) {
  const signal = abortSignal(runningCall(name))
  return later(async () => {
    const answer = await source.ask(question, signal)
    return conclude(
      answer.kind === 'failed'
        ? { ...answer, text: `datasource "${source.name}": ${answer.text}` }
        : answer,
    )
  })
}

/** By position when all keys are numbers: those between that are missing are NULL, as nil is. */
function readParams(name: string, params: LuaTable | undefined): SqlParams {
  const all = new Map<string, SqlValue>()
  let last = 0
  for (const [key, value] of params?.entries() ?? []) {
    if (typeof key === 'number') last = Math.max(last, key)
    // A key that is neither number nor text is the name of no placeholder.
    const text = asString(key)
    if (text !== undefined) all.set(text, readValue(name, text, value))
  }
  const isList = [...all.keys()].every((key) => /^[1-9]\d*$/.test(key))
  if (!isList || last > MOST_PARAMS) return all
  return Array.from({ length: last }, (_, i) => all.get(String(i + 1)) ?? null)
}

const MOST_PARAMS = 65_535

function readValue(name: string, key: string, value: LuaValue): SqlValue {
  if (value === undefined) return null
  if (typeof value !== 'object') return value
  throw new LuaCallError(
    `${name}: bad argument #3 (string, number or boolean expected for '${key}', got ${typeName(value)}): params`,
  )
}

function iterator(rows: Rows, runtime: Runtime): Multiple {
  let next = 0
  return multiple(runtime.newFunction('rowset', () => rowTable(rows, next++, runtime)))
}

function rowTable({ columns, rows }: Rows, index: number, { newTable }: Runtime): LuaValue {
  const row = rows[index]
  if (!row) return undefined
  const table = newTable()
  columns.forEach((column, i) => {
    const value = row[i] ?? undefined
    if (value !== undefined) table.set(column === '' ? i + 1 : column, value)
  })
  return table
}
