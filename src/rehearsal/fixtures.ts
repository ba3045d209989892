// What the world answers in a rehearsal: what a fixture file says, and a refusal that names the question for
// everything else. Files are read below the configured folders, as in the server; nothing is written.
//
//   { "dns": { "MX example.com": ["10 mx.example.com"], "A none.example": "NXDOMAIN" },
//     "http": { "GET https://api.example/v1?x=1": { "status": 200, "headers": { "A": "b" }, "body": "…" },
//               "POST https://down.example/": "connection refused" },
//     "database": { "select name from t where id = ?": [ { "name": "Anna" } ], "delete from t": "locked" },
//     "random": [0.5, 0.25] }
//
// A text in place of an answer is a failure. A statement may have its parameters behind it, as JSON:
// `select name from t where id = ? [7]`. `random` is gone through again and again.
import { fromText } from '../mail/bytes.ts'
import { closedOutside } from '../outside/closed.ts'
import type {
  DnsAnswer,
  FileStore,
  HttpAnswer,
  Outside,
  SqlAnswer,
  SqlValue,
} from '../outside/outside.ts'
import type { RehearsalClock } from './clock.ts'

export interface Fixtures {
  readonly dns: ReadonlyMap<string, DnsAnswer>
  readonly http: ReadonlyMap<string, HttpAnswer>
  readonly database: ReadonlyMap<string, SqlAnswer>
  readonly random: readonly number[]
}

export const NO_FIXTURES: Fixtures = {
  dns: new Map(),
  http: new Map(),
  database: new Map(),
  random: [],
}

export class FixtureError extends Error {
  override readonly name = 'FixtureError'
}

/** Raises FixtureError: it names the entry, and what was expected. */
export function readFixtures(json: string): Fixtures {
  let data: unknown
  try {
    data = JSON.parse(json)
  } catch (error) {
    throw new FixtureError(`no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  const { dns, http, database, random, ...rest } = objectOf(data, 'the file')
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) {
    throw new FixtureError(`"${unknown}": expected dns, http, database or random`)
  }
  return {
    dns: entriesOf(dns, 'dns', dnsKey, readDns),
    http: entriesOf(http, 'http', (key) => key, readHttp),
    database: entriesOf(database, 'database', sqlKey, readSql),
    random: readRandom(random),
  }
}

export interface FixtureWorld {
  readonly clock: RehearsalClock
  /** Where fixtures give none. */
  readonly random: () => number
  readonly files: FileStore
}

export function fixtureOutside(
  fixtures: Fixtures,
  { clock, random, files }: FixtureWorld,
): Outside {
  const { dns, http, database } = fixtures
  let rolled = 0
  return closedOutside({
    clock,
    random: () => fixtures.random[rolled++ % fixtures.random.length] ?? random(),
    resolver: {
      ask: ({ type, name }) =>
        dns.get(dnsKey(`${type} ${name}`)) ?? missing('dns', `${type} ${name}`),
    },
    http: {
      send: ({ method, url }) =>
        Promise.resolve(http.get(`${method} ${url}`) ?? missing('http', `${method} ${url}`)),
    },
    files: {
      read: (path, maxBytes) => files.read(path, maxBytes),
      openToWrite: (path) =>
        Promise.resolve({ kind: 'refused', text: `nothing is written in a rehearsal: ${path}` }),
    },
    databases: {
      open: () => ({
        run({ sql, params }) {
          const values: unknown = params instanceof Map ? Object.fromEntries(params) : params
          const withValues = sqlKey(`${sql} ${JSON.stringify(values)}`)
          const answer = database.get(withValues) ?? database.get(sqlKey(sql))
          return Promise.resolve(answer ?? missing('database', sqlKey(sql)))
        },
        close: () => Promise.resolve(),
      }),
    },
  })
}

function missing(service: string, question: string): { kind: 'refused'; text: string } {
  return {
    kind: 'refused',
    text: `a rehearsal asks nobody: the fixtures have no ${service} answer for "${question}"`,
  }
}

/** Names know no case, types are in upper case. */
function dnsKey(question: string): string {
  const [type = '', name = ''] = question.trim().split(/\s+/)
  return `${type.toUpperCase()} ${name.toLowerCase().replace(/\.$/, '')}`
}

/** Blanks are of no meaning. */
function sqlKey(sql: string): string {
  return sql.trim().replace(/\s+/g, ' ')
}

function entriesOf<T>(
  given: unknown,
  section: string,
  keyOf: (key: string) => string,
  read: (value: unknown, place: string) => T,
): ReadonlyMap<string, T> {
  if (given === undefined) return new Map()
  return new Map(
    Object.entries(objectOf(given, section)).map(([key, value]) => [
      fromText(keyOf(key)),
      read(value, `${section} "${key}"`),
    ]),
  )
}

function readDns(value: unknown, place: string): DnsAnswer {
  if (typeof value === 'string') return { kind: 'failed', text: value }
  const records = Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
  if (!Array.isArray(value) || records.length !== value.length || records.length === 0) {
    throw new FixtureError(`${place}: expected a list of records, or a failure such as "NXDOMAIN"`)
  }
  return { kind: 'found', records: records.map(fromText) }
}

/** libcurl's number for a connection that failed. */
const COULD_NOT_CONNECT = 7

function readHttp(value: unknown, place: string): HttpAnswer {
  if (typeof value === 'string') {
    return { kind: 'failed', text: value, code: COULD_NOT_CONNECT }
  }
  const { status = 200, statusText = '', headers = {}, body = '' } = objectOf(value, place)
  if (typeof status !== 'number' || typeof statusText !== 'string') {
    throw new FixtureError(`${place}: expected a status such as 200, and a text`)
  }
  const lines = Object.entries(objectOf(headers, `${place} headers`))
  return {
    kind: 'answered',
    status,
    statusText,
    headerLines: lines.map(([name, text]) => fromText(`${name}: ${String(text)}`)),
    body: fromText(typeof body === 'string' ? body : JSON.stringify(body)),
    url: /"[A-Z]+ (.*)"$/.exec(place)?.[1] ?? '',
  }
}

function readSql(value: unknown, place: string): SqlAnswer {
  if (typeof value === 'string') return { kind: 'failed', text: value }
  if (!Array.isArray(value)) {
    throw new FixtureError(`${place}: expected a list of rows, or a text for a failure`)
  }
  const rows = value.map((row) => objectOf(row, place))
  const columns = Object.keys(rows[0] ?? {})
  return {
    kind: 'rows',
    columns: columns.map(fromText),
    rows: rows.map((row) => columns.map((column) => sqlValue(row[column], place))),
  }
}

function sqlValue(value: unknown, place: string): SqlValue {
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return fromText(value)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  throw new FixtureError(`${place}: expected texts, numbers, booleans and null as values`)
}

function readRandom(value: unknown): readonly number[] {
  const numbers = value === undefined ? [] : value
  const isGood =
    Array.isArray(numbers) && numbers.every((one) => typeof one === 'number' && one >= 0 && one < 1)
  if (!isGood) throw new FixtureError('random: expected a list of numbers from 0 up to 1')
  return numbers
}

function objectOf(value: unknown, place: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value))
  }
  throw new FixtureError(`${place}: expected an object { … }`)
}
