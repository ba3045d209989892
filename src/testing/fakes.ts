// What tests answer in the place of the outside: DNS, HTTP, databases, the clock and dice. What was not faked
// is refused by name. Each fake gives back the table of what it was asked, which grows.
import { LuaCallError } from '../lua/error.ts'
import type { LuaState } from '../lua/state.ts'
import { isHandle, type LuaFunction, type LuaTable, type LuaValue } from '../lua/value.ts'
import type {
  Database,
  DnsAnswer,
  DnsQuestion,
  HttpAnswer,
  HttpRequest,
  Outside,
  Refused,
  SqlAnswer,
  SqlValue,
} from '../outside/outside.ts'
import { itemsOf, textOf } from './arguments.ts'

/** What holds for sessions that begin. */
export interface Fakes {
  readonly outside: Partial<Outside>
  /** Epoch milliseconds; the beginning of 2026 unless given. */
  readonly startMs: number | undefined
}

export const NO_FAKES: Fakes = { outside: {}, startMs: undefined }

/** A function of a test that is asked, or a table of answers by what is asked. */
type Answers = LuaFunction | LuaTable

/** `fake_dns{ ["A x.example"] = { "192.0.2.1" }, ["MX x.example"] = "SERVFAIL" }`; a text is a failure. */
export function fakeDns(state: LuaState, given: LuaValue, calls: LuaTable): Partial<Outside> {
  const answers = answersOf('fake_dns', given)
  return {
    resolver: {
      async ask({ name, type }: DnsQuestion) {
        note(calls, [
          ['name', name],
          ['type', type],
        ])
        const found = await answerOf(state, answers, `${type} ${name.toLowerCase()}`, [type, name])
        return found === undefined
          ? refused(`no DNS in this test: ${type} ${name}`)
          : dnsAnswer(found)
      },
    },
  }
}

/** `fake_http{ ["GET https://x.example/"] = { status = 404, body = "" } }`; a text is a failure. */
export function fakeHttp(state: LuaState, given: LuaValue, calls: LuaTable): Partial<Outside> {
  const answers = answersOf('fake_http', given)
  return {
    http: {
      async send({ method, url, headerLines, body }: HttpRequest) {
        const request = note(calls, [
          ['method', method],
          ['url', url],
          ['headers', headerLines],
          ['body', body],
        ])
        const found = await answerOf(state, answers, `${method} ${url}`, [request])
        if (found === undefined) return refused(`no HTTP in this test: ${method} ${url}`)
        return httpAnswer(found, url)
      },
    },
  }
}

/** `fake_db{ ["SELECT a FROM t WHERE b = ?"] = { { a = 1 } } }`; a text is a failure. */
export function fakeDatabases(state: LuaState, given: LuaValue, calls: LuaTable): Partial<Outside> {
  const answers = answersOf('fake_db', given)
  const run = async (
    uri: string,
    sql: string,
    params: readonly SqlValue[] | ReadonlyMap<string, SqlValue>,
  ): Promise<SqlAnswer> => {
    const values = params instanceof Map ? mapOf(params) : [...params.values()].map(toLua)
    const call = note(calls, [
      ['sql', sql],
      ['params', values],
      ['uri', uri],
    ])
    const found = await answerOf(state, answers, oneLine(sql), [call])
    return found === undefined
      ? refused(`no database in this test: ${oneLine(sql)}`)
      : sqlAnswer(found)
  }
  return {
    databases: {
      open: (uri): Database => ({
        run: ({ sql, params }) => run(uri, sql, params),
        close: () => Promise.resolve(),
      }),
    },
  }
}

/** Seconds since 1970, or a text such as `2026-11-25T08:00:00Z`. */
export function fakeTimeMs(value: LuaValue): number {
  const ms = typeof value === 'number' ? value * 1000 : Date.parse(textOf(value) ?? '')
  if (!Number.isFinite(ms)) throw new LuaCallError('fake_clock: seconds or a date were expected')
  return ms
}

/** A number or a list of them, from 0 up to 1, which come in turn and again. */
export function fakeRandom(value: LuaValue): Partial<Outside> {
  const numbers = isHandle(value, 'table') ? itemsOf(value) : [value]
  const isFine = (one: LuaValue): one is number => typeof one === 'number' && one >= 0 && one < 1
  if (numbers.length === 0 || !numbers.every(isFine)) {
    throw new LuaCallError('fake_random: numbers from 0 up to 1 were expected')
  }
  let turn = 0
  return { random: () => Number(numbers[turn++ % numbers.length]) }
}

function answersOf(what: string, value: LuaValue): Answers {
  if (isHandle(value, 'table') || isHandle(value, 'function')) return value
  throw new LuaCallError(`${what}: a table of answers or a function was expected`)
}

/** Undefined: there is none. `["*"]` answers what nothing else does. */
async function answerOf(
  state: LuaState,
  answers: Answers,
  key: string,
  args: readonly LuaValue[],
): Promise<LuaValue> {
  // Not within the callout that asks: it is another state's.
  await new Promise((resolve) => setImmediate(resolve))
  if (answers.kind === 'function') {
    const [answer] = await state.call(answers, args, { label: 'a fake' })
    return answer
  }
  return answers.get(key) ?? matching(answers, key) ?? answers.get('*')
}

/** Keys are compared without regard to blanks. */
function matching(answers: LuaTable, key: string): LuaValue {
  for (const [known, value] of answers.entries()) {
    if (typeof known === 'string' && oneLine(known) === oneLine(key)) return value
  }
  return undefined
}

function dnsAnswer(found: LuaValue): DnsAnswer {
  if (typeof found === 'string') return { kind: 'failed', text: found }
  const records = isHandle(found, 'table')
    ? itemsOf(found).map((record) => textOf(record) ?? '')
    : []
  return records.length > 0 ? { kind: 'found', records } : { kind: 'failed', text: 'NODATA' }
}

function httpAnswer(found: LuaValue, url: string): HttpAnswer {
  // 7 is libcurl's "could not connect".
  if (!isHandle(found, 'table')) return { kind: 'failed', text: textOf(found) ?? '', code: 7 }
  const headers = found.get('headers')
  const lines = isHandle(headers, 'table')
    ? [...headers.entries()].map(([name, value]) =>
        typeof name === 'number'
          ? (textOf(value) ?? '')
          : `${textOf(name)}: ${textOf(value) ?? ''}`,
      )
    : []
  const status = found.get('status')
  return {
    kind: 'answered',
    status: typeof status === 'number' ? status : 200,
    statusText: textOf(found.get('reason')) ?? '',
    headerLines: lines,
    body: textOf(found.get('body')) ?? '',
    url,
  }
}

function sqlAnswer(found: LuaValue): SqlAnswer {
  if (!isHandle(found, 'table')) return { kind: 'failed', text: textOf(found) ?? '' }
  const rows = itemsOf(found).filter((row) => isHandle(row, 'table'))
  const names = rows.flatMap((row) =>
    [...row.entries()].flatMap(([key]) => (typeof key === 'string' ? [key] : [])),
  )
  const columns = [...new Set(names)]
  return {
    kind: 'rows',
    columns,
    rows: rows.map((row) => columns.map((name) => toSql(row.get(name)))),
  }
}

function toSql(value: LuaValue): SqlValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : null
}

function toLua(value: SqlValue): LuaValue {
  return value ?? undefined
}

function mapOf(params: ReadonlyMap<string, SqlValue>): ReadonlyMap<string, LuaValue> {
  return new Map([...params].map(([name, value]) => [name, toLua(value)]))
}

function note(calls: LuaTable, fields: readonly (readonly [string, LuaValue])[]): LuaValue {
  calls.set(calls.length() + 1, new Map(fields))
  return calls.get(calls.length())
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}

function refused(text: string): Refused {
  return { kind: 'refused', text }
}
