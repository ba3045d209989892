// Data sources that are files (Momentum manual page "modules.ds_core"). `cdb:PATH`: the statement is a key, a row
// has its value. `csv:` and `iowrapper:`: the statement is the path of a file below file_roots; its lines are the
// rows, or all of it is one. In statements `?`, `:name` and `$name` stand for parameters. Columns have no names.
import { open } from 'node:fs/promises'
import { fromBytes } from '../../mail/bytes.ts'
import type { Database, FileStore, SqlAnswer, SqlStatement, SqlValue } from '../outside.ts'

const MOST_OCTETS = 64 * 1024 * 1024
const ONE_COLUMN = ['']

export function openCsv(files: FileStore): Database {
  return fileDatabase(files, (octets, maxRows) => {
    const rows = csvRows(octets, maxRows)
    const width = rows.reduce((most, row) => Math.max(most, row.length), 1)
    return { kind: 'rows', columns: Array.from({ length: width }, () => ''), rows }
  })
}

export function openWhole(files: FileStore): Database {
  return fileDatabase(files, (octets) => ({ kind: 'rows', columns: ONE_COLUMN, rows: [[octets]] }))
}

export function openCdb(path: string): Database {
  return {
    async run(statement) {
      try {
        const value = await findInCdb(path, Buffer.from(expanded(statement), 'latin1'))
        return { kind: 'rows', columns: ONE_COLUMN, rows: value === undefined ? [] : [[value]] }
      } catch (error) {
        return { kind: 'failed', text: error instanceof Error ? error.message : String(error) }
      }
    },
    close: () => Promise.resolve(),
  }
}

function fileDatabase(
  files: FileStore,
  rowsOf: (octets: string, maxRows: number) => SqlAnswer,
): Database {
  return {
    async run(statement) {
      const path = expanded(statement)
      const file = await files.read(path, MOST_OCTETS)
      if (file.kind === 'read') return rowsOf(file.octets, statement.maxRows ?? Infinity)
      return file.kind === 'failed' ? { ...file, text: `${path}: ${file.text}` } : file
    },
    close: () => Promise.resolve(),
  }
}

/** The statement with its parameters put in; what there is none for stays as it is. */
function expanded({ sql, params }: SqlStatement): string {
  let next = 0
  const valueOf = (name: string | undefined): SqlValue | undefined => {
    if ('get' in params) return name === undefined ? undefined : params.get(name)
    return name === undefined ? params[next++] : undefined
  }
  return sql.replace(/\?|[:$](\w+)/g, (mark, name: string | undefined) => {
    const value = valueOf(name)
    return value === undefined ? mark : String(value ?? '')
  })
}

/** RFC 4180; lines end with LF or CRLF, and a quote inside of a field that does not begin with one is a quote. */
export function csvRows(text: string, maxRows: number): readonly (readonly string[])[] {
  const rows: string[][] = []
  const field = /("(?:[^"]|"")*"?|[^,\r\n]*)(,|\r\n|\n|\r|$)/y
  let row: string[] = []
  while (field.lastIndex < text.length && rows.length < maxRows) {
    const [, raw = '', end = ''] = field.exec(text) ?? []
    row.push(raw.startsWith('"') ? raw.slice(1).replace(/"$/, '').replaceAll('""', '"') : raw)
    if (end === ',') {
      if (field.lastIndex < text.length) continue
      row.push('')
    }
    rows.push(row)
    row = []
  }
  return rows
}

/** D. J. Bernstein's format: 256 tables of hash and place, each probed from where the hash says. */
async function findInCdb(path: string, key: Buffer): Promise<string | undefined> {
  const file = await open(path, 'r')
  try {
    const read = async (at: number, length: number): Promise<Buffer> => {
      if (length > MOST_OCTETS) throw new Error('it is no constant database')
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at)
      if (bytesRead < length) throw new Error('it is no constant database')
      return buffer
    }
    let hash = 5381
    for (const octet of key) hash = (((hash << 5) + hash) ^ octet) >>> 0
    const head = await read((hash & 255) * 8, 8)
    const [table, slots] = [head.readUInt32LE(0), head.readUInt32LE(4)]
    for (let i = 0; i < slots; i++) {
      const slot = await read(table + (((hash >>> 8) + i) % slots) * 8, 8)
      const place = slot.readUInt32LE(4)
      if (place === 0) return undefined
      if (slot.readUInt32LE(0) !== hash) continue
      const lengths = await read(place, 8)
      const [keyLength, valueLength] = [lengths.readUInt32LE(0), lengths.readUInt32LE(4)]
      if (keyLength !== key.length || !(await read(place + 8, keyLength)).equals(key)) continue
      return fromBytes(await read(place + 8 + keyLength, valueLength))
    }
    return undefined
  } finally {
    await file.close()
  }
}
