// The process that has one connection to an SQLite database: a statement that takes long holds up nobody, one that
// never ends can be killed, and SQLite is no part of the process that has the mail. Its parent is sqlite.ts.
import { Worker } from 'node:worker_threads'
import {
  DatabaseSync,
  type DatabaseSyncInstance,
  type StatementSyncInstance,
} from '@photostructure/sqlite'
import { fromBytes } from '../../mail/bytes.ts'
import type { SqlAnswer, SqlValue } from '../outside.ts'
import { fromDatabase, toDatabase } from './text.ts'

export interface SqliteQuestion {
  readonly text: string
  readonly values: readonly SqlValue[]
  readonly maxRows: number
}

/** How long it waits for others who write. */
const BUSY_MS = 5_000

const [, , path = ''] = process.argv

process.on('disconnect', () => process.exit())
// While a statement runs nothing is heard here, not even that the parent is gone: another thread looks.
new Worker(
  `setInterval(() => process.ppid === ${process.ppid} || process.kill(process.pid, 'SIGKILL'), 500)`,
  { eval: true },
).unref()

try {
  const database = new DatabaseSync(path, {
    timeout: BUSY_MS,
    // As SQLite has them by itself.
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
  })
  process.on('message', (question: SqliteQuestion) => send(answer(database, question)))
  send({ kind: 'rows', columns: [], rows: [] })
} catch (error) {
  send(failure(error))
}

function send(given: SqlAnswer): void {
  process.send?.(given)
}

function answer(
  database: DatabaseSyncInstance,
  { text, values, maxRows }: SqliteQuestion,
): SqlAnswer {
  try {
    const statement = database.prepare(toDatabase(text))
    const bound = values.map(toParameter)
    const columns = statement.columns().map(({ name }) => fromDatabase(name))
    if (columns.length > 0) return { kind: 'rows', columns, rows: take(statement, bound, maxRows) }
    statement.run(...bound)
    return { kind: 'rows', columns, rows: [] }
  } catch (error) {
    return failure(error)
  }
}

function take(
  statement: StatementSyncInstance,
  values: readonly (string | number | bigint | null)[],
  maxRows: number,
): SqlValue[][] {
  statement.setReadBigInts(true)
  statement.setReturnArrays(true)
  const rows: SqlValue[][] = []
  if (maxRows === 0) return rows
  for (const row of statement.iterate(...values) as Iterable<readonly unknown[]>) {
    rows.push(row.map(toValue))
    if (rows.length >= maxRows) break
  }
  return rows
}

/** A whole number stays one: as a double it would read `5.0` in a column of texts. */
function toParameter(value: SqlValue): string | number | bigint | null {
  if (typeof value === 'string') return toDatabase(value)
  if (typeof value === 'boolean') return value ? 1n : 0n
  return Number.isSafeInteger(value) ? BigInt(value ?? 0) : value
}

function toValue(value: unknown): SqlValue {
  if (typeof value === 'string') return fromDatabase(value)
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Uint8Array) return fromBytes(Buffer.from(value))
  return typeof value === 'number' ? value : null
}

function failure(error: unknown): SqlAnswer {
  return { kind: 'failed', text: error instanceof Error ? error.message : String(error) }
}
