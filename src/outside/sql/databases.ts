// Databases by URI. A driver is loaded when a database of its kind is first asked something.
import type { Database, Databases, FileStore } from '../outside.ts'
import { openCdb, openCsv, openWhole } from './flatfiles.ts'
import { connectMysql } from './mysql.ts'
import { makePool } from './pool.ts'
import { connectPostgres } from './postgresql.ts'
import { connectSqlite } from './sqlite.ts'
import { type DatabaseAddress, readDatabaseAddress } from './uri.ts'

const IDLE_MS = 60_000

/** `files`: what statements may name. */
export function openDatabases(files: FileStore): Databases {
  return {
    open(uri, { maxConnections }) {
      const [scheme = '', path] = /^([a-z\d]+):(.*)$/is.exec(uri)?.slice(1) ?? []
      switch (scheme.toLowerCase()) {
        case 'sqlite':
          return openSqlite(path ?? '', maxConnections)
        case 'postgresql':
        case 'postgres':
        case 'pgsql':
          return openServer(uri, connectPostgres, maxConnections)
        case 'mysql':
        case 'mariadb':
          return openServer(uri, connectMysql, maxConnections)
        case 'cdb':
          return openCdb(path ?? '')
        case 'csv':
          return openCsv(files)
        case 'iowrapper':
          return openWhole(files)
        default:
          return unusable(
            `'${scheme}:' is not supported (sqlite, postgresql, mysql, cdb, csv, iowrapper)`,
          )
      }
    },
  }
}

function openSqlite(path: string, maxConnections: number): Database {
  // What is in memory is in the memory of one process, and goes with it.
  const isInMemory = path === ':memory:'
  const limits = {
    maxConnections: isInMemory ? 1 : maxConnections,
    idleMs: isInMemory ? 2 ** 31 - 1 : IDLE_MS,
  }
  return makePool(() => loaded('@photostructure/sqlite', () => connectSqlite(path)), limits)
}

function openServer(
  uri: string,
  connect: (address: DatabaseAddress) => ReturnType<typeof connectMysql>,
  maxConnections: number,
): Database {
  const address = readDatabaseAddress(uri)
  if (!address) return unusable('its uri cannot be understood')
  return makePool(() => loaded(PACKAGES.get(connect) ?? '', () => connect(address)), {
    maxConnections,
    idleMs: IDLE_MS,
  })
}

const PACKAGES: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [connectPostgres, 'pg'],
  [connectMysql, 'mysql2'],
])

/** Says which package is missing: they are optional. */
async function loaded<T>(name: string, connect: () => Promise<T>): Promise<T> {
  try {
    return await connect()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error(`the package ${name} is not installed`, { cause: error })
  }
}

function unusable(text: string): Database {
  return {
    run: () => Promise.resolve({ kind: 'failed', text, isUnreached: true }),
    close: () => Promise.resolve(),
  }
}
