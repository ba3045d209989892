// The data sources of a policy by name: what each keeps of results, and the databases that it asks in turn.
import type { DatasourceOptions } from '../../config/datasources.ts'
import type {
  Database,
  Databases,
  SqlAnswer,
  SqlParams,
  SqlStatement,
} from '../../outside/outside.ts'
import { makeResultCache, type ResultCache } from './cache.ts'

export interface Question {
  readonly sql: string
  readonly params: SqlParams
  /** Neither from what is kept, nor kept. */
  readonly isUncached: boolean
}

export interface Datasource {
  readonly name: string
  /** What is kept comes at once. */
  find(question: Question): SqlAnswer | undefined
  /** Never fails. `maxRows`: undefined for as many as the configuration allows, Infinity for all. */
  ask(question: Question, signal: AbortSignal, maxRows?: number): Promise<SqlAnswer>
  /** What it keeps of results. */
  readonly cache: Pick<ResultCache, 'counts' | 'flush'>
  close(): Promise<void>
}

export interface Datasources {
  readonly names: readonly string[]
  named(name: string): Datasource | undefined
  close(): Promise<void>
}

export function makeDatasources(
  options: readonly DatasourceOptions[],
  databases: Databases,
  nowMs: () => number,
): Datasources {
  const all = new Map<string, Datasource>()
  for (const one of options) all.set(one.name, makeDatasource(one, databases, nowMs))
  return {
    names: [...all.keys()],
    named: (name) => all.get(name),
    close: async () => {
      await Promise.all([...all.values()].map((source) => source.close()))
    },
  }
}

function makeDatasource(
  options: DatasourceOptions,
  databases: Databases,
  nowMs: () => number,
): Datasource {
  const { name, uris, maxConnections, maxRows: configuredRows, querySeconds, isUncached } = options
  const run = inTurn(uris.map((uri) => databases.open(uri, { maxConnections })))
  const cache = makeResultCache(options, nowMs)
  const pending = new Map<string, Shared>()
  const isKept = (question: Question): boolean => !isUncached && !question.isUncached

  return {
    name,
    find: (question) => (isKept(question) ? cache.find(keyOf(question)) : undefined),
    ask(question, signal, maxRows = configuredRows < 0 ? Infinity : configuredRows) {
      const { sql, params } = question
      const statement: SqlStatement = {
        sql,
        params,
        timeoutMs: querySeconds * 1000,
        ...(maxRows !== Infinity && { maxRows }),
      }
      if (!isKept(question)) return run.ask(statement, signal)
      const key = keyOf(question)
      const shared = pending.get(key) ?? begin(run.ask, statement, key, pending, cache)
      return join(shared, signal)
    },
    cache,
    close: run.close,
  }
}

/** A statement that several wait for. */
interface Shared {
  readonly answer: Promise<SqlAnswer>
  readonly ending: AbortController
  waiting: number
  /** Nobody can join it any more. */
  forget(): void
}

type Ask = (statement: SqlStatement, signal: AbortSignal) => Promise<SqlAnswer>

function begin(
  ask: Ask,
  statement: SqlStatement,
  key: string,
  pending: Map<string, Shared>,
  cache: ResultCache,
): Shared {
  const ending = new AbortController()
  const work = async (): Promise<SqlAnswer> => {
    const answer = await ask(statement, ending.signal)
    shared.forget()
    // Without columns it gives no rows: it did something, and does it again the next time.
    if (answer.kind === 'rows' && answer.columns.length > 0) cache.keep(key, answer)
    return answer
  }
  const shared: Shared = {
    answer: Promise.resolve().then(work),
    ending,
    waiting: 0,
    forget: () => {
      if (pending.get(key) === shared) pending.delete(key)
    },
  }
  pending.set(key, shared)
  return shared
}

/** It ends when nobody waits for it any more. */
async function join(shared: Shared, signal: AbortSignal): Promise<SqlAnswer> {
  const leave = (): void => {
    shared.waiting--
    if (shared.waiting > 0) return
    shared.forget()
    shared.ending.abort()
  }
  shared.waiting++
  signal.addEventListener('abort', leave, { once: true })
  const answer = await shared.answer
  signal.removeEventListener('abort', leave)
  return answer
}

/** One after the other; one that cannot be reached is passed over. */
function inTurn(databases: readonly Database[]): { ask: Ask; close(): Promise<void> } {
  let turn = 0
  return {
    async ask(statement, signal) {
      const first = turn++ % databases.length
      let answer: SqlAnswer = { kind: 'failed', text: 'it has no uri' }
      for (let i = 0; i < databases.length && !signal.aborted; i++) {
        const database = databases[(first + i) % databases.length]
        if (database) answer = await database.run(statement, signal)
        if (answer.kind !== 'failed' || answer.isUnreached !== true) break
      }
      return answer
    },
    close: async () => {
      await Promise.all(databases.map((database) => database.close()))
    },
  }
}

function keyOf({ sql, params }: Question): string {
  return `${sql}\0${JSON.stringify('get' in params ? [...params] : params)}`
}
