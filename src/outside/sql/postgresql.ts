// Connections to PostgreSQL. Values come back as the server writes them (`t` for true), as Momentum's driver gives
// them; only bytea becomes its octets.
import type { ClientConfig, CustomTypesConfig, Query, QueryArrayConfig } from 'pg'
import { fromBytes } from '../../mail/bytes.ts'
import type { SqlAnswer, SqlStatement, SqlValue } from '../outside.ts'
import { renderSql } from './placeholders.ts'
import type { Connection } from './pool.ts'
import { fromDatabase, toDatabase } from './text.ts'
import type { DatabaseAddress } from './uri.ts'

const CONNECT_MS = 5_000
const BYTEA = 17

/** Rejects with what is wrong. */
export async function connectPostgres(address: DatabaseAddress): Promise<Connection> {
  const { default: pg } = await import('pg')
  const config = configOf(address)
  const client = new pg.Client(config)
  let isUsable = true
  const lost = (): void => {
    isUsable = false
  }
  // Also when it is idle: the next one who asks gets another connection.
  client.on('error', lost)
  client.on('end', lost)
  await client.connect()
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const pid = rows[0]?.pid

  /** Ends what runs there: a server does not look whether its client is gone. */
  const cancel = async (): Promise<void> => {
    const other = new pg.Client(config)
    other.on('error', () => {})
    try {
      await other.connect()
      await other.query('select pg_cancel_backend($1)', [pid])
    } finally {
      await other.end()
    }
  }

  return {
    isUsable: () => isUsable,
    close: () => void client.end().catch(lost),
    run: (statement, signal) =>
      new Promise((resolve) => {
        const finish = (answer: SqlAnswer): void => {
          signal.removeEventListener('abort', abort)
          resolve(answer)
        }
        const abort = (): void => {
          isUsable = false
          cancel().catch(lost)
          finish({ kind: 'failed', text: 'ended' })
        }
        signal.addEventListener('abort', abort)
        const query = new pg.Query(configFor(statement))
        collect(query, statement.maxRows ?? Infinity, finish)
        client.query(query)
      }),
  }
}

/** What `pg` takes beside what its types say. */
type ArrayQuery = QueryArrayConfig<(string | Buffer | null)[]> & { queryMode: 'extended' }

function configFor(statement: SqlStatement): ArrayQuery {
  const { text, values } = renderSql(statement, 'standard', (number) => `$${number}`)
  return {
    text: toDatabase(text),
    values: values.map((value) => (typeof value === 'string' ? toDatabase(value) : asText(value))),
    rowMode: 'array',
    // One statement only, also where there are no values.
    queryMode: 'extended',
    types: { getTypeParser: typeParser },
  }
}

function asText(value: number | boolean | null): string | null {
  return value === null ? null : String(value)
}

const typeParser = ((oid: number) => (text: string) =>
  oid === BYTEA && text.startsWith('\\x')
    ? fromBytes(Buffer.from(text.slice(2), 'hex'))
    : fromDatabase(text)) as unknown as CustomTypesConfig['getTypeParser']

function collect(query: Query, maxRows: number, finish: (answer: SqlAnswer) => void): void {
  const rows: SqlValue[][] = []
  query.on('row', (row: SqlValue[]) => {
    if (rows.length < maxRows) rows.push(row)
  })
  query.on('error', (error: Error) => finish({ kind: 'failed', text: error.message }))
  query.on('end', ({ fields }: { readonly fields: readonly { readonly name: string }[] }) =>
    finish({ kind: 'rows', columns: fields.map(({ name }) => fromDatabase(name)), rows }),
  )
}

function configOf(address: DatabaseAddress): ClientConfig {
  const { host, socketPath, port, database, user, password, sslmode } = address
  const at = socketPath ?? host
  return {
    ...(at !== undefined && { host: at }),
    ...(port !== undefined && { port }),
    ...(database !== undefined && { database }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ssl: sslmode === 'disable' ? false : { rejectUnauthorized: sslmode !== 'require' },
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'eachrcpt',
    keepAlive: true,
  }
}
