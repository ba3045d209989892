// Options of data sources (Momentum manual, "modules.ds_core"). `max_connections` and `query_timeout` are ours.
import { resolve } from 'node:path'
import { decode } from '../bytes.ts'
import type { Value } from '../tree.ts'
import {
  BOOLEAN,
  COUNT,
  itemsOf,
  POSITIVE,
  readStrings,
  scalar,
  SECONDS,
  type Type,
} from '../value.ts'
import { option, optional, type Warn } from './option.ts'

const SCOPE = ['datasource']

const SUPPORTED = new Set(
  'sqlite postgresql postgres pgsql mysql mariadb cdb csv iowrapper'.split(' '),
)

/** A relative path of an SQLite or cdb file begins in the folder of the configuration. Passwords are in them. */
const URIS: Type<readonly string[]> = {
  expected: 'a list of URIs such as "sqlite:/path/of/file"',
  isSecret: true,
  read(value, folder) {
    const uris = readStrings(value)?.map(decode)
    if (!uris || uris.length === 0) return undefined
    return uris.every((uri) => /^[a-z\d]+:/i.test(uri))
      ? uris.map((uri) => resolvePath(uri, folder))
      : undefined
  },
}

const MAX_ROWS = scalar('a whole number of rows, or -1 for all', (text) =>
  /^(?:-1|\d{1,9})$/.test(text) ? Number(text) : undefined,
)

export const DATASOURCE = {
  /** Results that are kept, and for how long. */
  cacheSize: option('cache_size', COUNT, 1000, SCOPE),
  cacheSeconds: option('cache_life', SECONDS, 3600, SCOPE),
  /** -1: all. */
  maxRows: option('max_rows', MAX_ROWS, 100, SCOPE),
  isUncached: option('no_cache', BOOLEAN, false, SCOPE),
  maxConnections: option('max_connections', POSITIVE, 4, SCOPE),
  querySeconds: option('query_timeout', POSITIVE, 10, SCOPE),
}

/** Asked in turn. */
export const DATASOURCE_URIS = { ...optional('uri', URIS, SCOPE), inspect: inspectUris }

function inspectUris(value: Value, warn: Warn): void {
  for (const { text, place } of itemsOf(value) ?? []) {
    const scheme = /^[a-z\d]+/i.exec(text)?.[0].toLowerCase() ?? ''
    if (!SUPPORTED.has(scheme)) {
      warn(place, `a data source of "${scheme}:" is known but not supported: asking it fails`)
    }
  }
}

function resolvePath(uri: string, folder: string): string {
  const [, scheme, path] = /^(sqlite|cdb):(.*)$/is.exec(uri) ?? []
  return path === undefined || path === ':memory:' ? uri : `${scheme}:${resolve(folder, path)}`
}
