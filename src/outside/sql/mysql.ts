// Connections to MySQL and MariaDB. Values come back as texts, as Momentum's driver gives them; a BLOB as its
// octets.
import type { Connection as Client, ConnectionOptions, FieldPacket } from 'mysql2'
import { fromBytes } from '../../mail/bytes.ts'
import type { SqlAnswer, SqlStatement, SqlValue } from '../outside.ts'
import { renderSql } from './placeholders.ts'
import type { Connection } from './pool.ts'
import { fromDatabase, toDatabase } from './text.ts'
import type { DatabaseAddress } from './uri.ts'

const CONNECT_MS = 5_000
/** Prepared statements that a connection keeps. */
const MOST_PREPARED = 200

/** Rejects with what is wrong. */
export async function connectMysql(address: DatabaseAddress): Promise<Connection> {
  const { createConnection } = await import('mysql2')
  const options = optionsOf(address)
  const client = createConnection(options)
  let isUsable = true
  const lost = (): void => {
    isUsable = false
  }
  await new Promise<void>((resolve, reject) => {
    client.once('error', reject)
    client.connect((error) => (error ? reject(error) : resolve()))
  })
  // Also when it is idle: the next one who asks gets another connection.
  client.on('error', lost)
  client.on('end', lost)

  /** Ends what runs there: a server does not look whether its client is gone. */
  const cancel = (): void => {
    const other = createConnection(options)
    other.on('error', () => {})
    other.query(`KILL QUERY ${Number(client.threadId)}`, () => other.destroy())
    client.destroy()
  }

  return {
    isUsable: () => isUsable,
    close: () => client.destroy(),
    run: (statement, signal) =>
      new Promise((resolve) => {
        const finish = (answer: SqlAnswer): void => {
          signal.removeEventListener('abort', abort)
          resolve(answer)
        }
        const abort = (): void => {
          isUsable = false
          cancel()
          finish({ kind: 'failed', text: 'ended' })
        }
        signal.addEventListener('abort', abort)
        collect(client, statement, finish)
      }),
  }
}

function collect(client: Client, statement: SqlStatement, finish: (answer: SqlAnswer) => void) {
  const { maxRows = Infinity } = statement
  const { text, values } = renderSql(statement, 'mysql', () => '?')
  const sql = toDatabase(text)
  // Not every statement can be prepared: without values there is no need to.
  const query =
    values.length === 0
      ? client.query({ sql, rowsAsArray: true })
      : client.execute({ sql, rowsAsArray: true, values: values.map(toParameter) })
  let columns: readonly string[] = []
  const rows: SqlValue[][] = []
  query.on('fields', (fields: readonly FieldPacket[] | undefined) => {
    columns = (fields ?? []).map(({ name }) => fromDatabase(name))
  })
  query.on('result', (row: unknown) => {
    // What is no array tells how a statement without rows went.
    if (Array.isArray(row) && rows.length < maxRows) rows.push(row.map(toValue))
  })
  query.on('error', (error: Error) => finish({ kind: 'failed', text: error.message }))
  query.on('end', () => finish({ kind: 'rows', columns, rows }))
}

/** A whole number as its text: as a double, which is what a number is sent as, MySQL 8 refuses it after LIMIT. */
function toParameter(value: SqlValue): string | number | null {
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value === 'string') return toDatabase(value)
  return Number.isSafeInteger(value) ? String(value) : value
}

function toValue(value: unknown): SqlValue {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return fromBytes(Buffer.from(value))
  if (typeof value === 'string') return fromDatabase(value)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  return fromDatabase(JSON.stringify(value))
}

function optionsOf(address: DatabaseAddress): ConnectionOptions {
  const { host, socketPath, port, database, user, password, sslmode } = address
  return {
    ...(host !== undefined && { host }),
    ...(socketPath !== undefined && { socketPath }),
    ...(port !== undefined && { port }),
    ...(database !== undefined && { database }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(sslmode !== 'disable' && { ssl: { rejectUnauthorized: sslmode !== 'require' } }),
    connectTimeout: CONNECT_MS,
    charset: 'utf8mb4',
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    jsonStrings: true,
    multipleStatements: false,
    maxPreparedStatements: MOST_PREPARED,
  }
}
