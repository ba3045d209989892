// Data sources that are files: constant databases, CSV, and whole files.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { allowFiles } from '../../src/lua/files.ts'
import { localFiles } from '../../src/outside/files.ts'
import { openDatabases } from '../../src/outside/sql/databases.ts'
import { csvRows } from '../../src/outside/sql/flatfiles.ts'
import type { SqlParams } from '../../src/outside/outside.ts'
import { runLua } from '../support/policy.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'eachrcpt-flat-'))
  writeFileSync(join(folder, 'list.csv'), 'a@x.example,7,"say ""hi"", all"\r\nb@x.example,,\n')
  writeFileSync(join(folder, 'text'), 'two\nlines\n')
  writeFileSync(
    join(folder, 'good.cdb'),
    makeCdb([
      ['one', '1'],
      ['two', 'zwei'],
      ['', 'empty'],
      ['one', 'later'],
    ]),
  )
  writeFileSync(join(folder, 'bad.cdb'), Buffer.alloc(3000, 0xff))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** As cdbmake writes it. */
function makeCdb(records: readonly (readonly [string, string])[]): Buffer {
  const chunks: Buffer[] = []
  const tables = Array.from({ length: 256 }, (): [number, number][] => [])
  let at = 2048
  for (const [key, value] of records) {
    const head = Buffer.alloc(8)
    head.writeUInt32LE(key.length, 0)
    head.writeUInt32LE(value.length, 4)
    chunks.push(head, Buffer.from(key), Buffer.from(value))
    let hash = 5381
    for (const octet of Buffer.from(key)) hash = (((hash << 5) + hash) ^ octet) >>> 0
    tables[hash & 255]?.push([hash, at])
    at += 8 + key.length + value.length
  }
  const header = Buffer.alloc(2048)
  for (const [i, entries] of tables.entries()) {
    const slots = Buffer.alloc(entries.length * 16)
    header.writeUInt32LE(at, i * 8)
    header.writeUInt32LE(entries.length * 2, i * 8 + 4)
    for (const [hash, place] of entries) {
      let slot = (hash >>> 8) % (entries.length * 2)
      while (slots.readUInt32LE(slot * 8 + 4) !== 0) slot = (slot + 1) % (entries.length * 2)
      slots.writeUInt32LE(hash, slot * 8)
      slots.writeUInt32LE(place, slot * 8 + 4)
    }
    chunks.push(slots)
    at += slots.length
  }
  return Buffer.concat([header, ...chunks])
}

const databases = () => openDatabases(localFiles(allowFiles([folder], new Map())))

const ask = (uri: string, sql: string, params: SqlParams = [], maxRows?: number) =>
  databases()
    .open(uri, { maxConnections: 1 })
    .run(
      { sql, params, timeoutMs: 1000, ...(maxRows && { maxRows }) },
      new AbortController().signal,
    )

test.each<[file: string, sql: string, params: SqlParams, unknown]>([
  ['good.cdb', 'one', [], [['1']]],
  ['good.cdb', 'two', [], [['zwei']]],
  ['good.cdb', '?', ['two'], [['zwei']]],
  ['good.cdb', ':key', new Map([['key', 'two']]), [['zwei']]],
  ['good.cdb', '?', [''], [['empty']]],
  ['good.cdb', 'three', [], []],
])('cdb:%s of %s with %j', async (file, sql, params, rows) => {
  expect(await ask(`cdb:${join(folder, file)}`, sql, params)).toMatchObject({ kind: 'rows', rows })
})

test.each([
  ['bad.cdb', 'it is no constant database'],
  ['list.csv', 'it is no constant database'],
  ['none.cdb', 'ENOENT'],
])('cdb:%s is a failure', async (file, text) => {
  const answer = await ask(`cdb:${join(folder, file)}`, 'one')
  expect(answer).toMatchObject({ kind: 'failed', text: expect.stringContaining(text) })
})

test('csv: gives the lines of a file, iowrapper: all of it', async () => {
  expect(await ask('csv:', 'list.csv')).toMatchObject({
    columns: ['', '', ''],
    rows: [
      ['a@x.example', '7', 'say "hi", all'],
      ['b@x.example', '', ''],
    ],
  })
  expect(await ask('csv:', 'list.csv', [], 1)).toMatchObject({
    rows: [['a@x.example', '7', 'say "hi", all']],
  })
  const named = await ask('iowrapper:', '$name', new Map([['name', 'text']]))
  expect(named).toMatchObject({ rows: [['two\nlines\n']] })
})

test.each(['/etc/passwd', '../../etc/passwd', 'none'])(
  'csv: and iowrapper: refuse %s',
  async (path) => {
    for (const uri of ['csv:', 'iowrapper:']) {
      expect(await ask(uri, '?', [path])).toMatchObject({
        kind: 'failed',
        text: expect.stringMatching(new RegExp(`^${path}: `)),
      })
    }
  },
)

test.each([
  ['', []],
  ['a', [['a']]],
  ['a,b\nc\n', [['a', 'b'], ['c']]],
  ['a,\n', [['a', '']]],
  ['a,', [['a', '']]],
  ['"a,\nb",c', [['a,\nb', 'c']]],
  ['"a""b"', [['a"b']]],
  ['"open', [['open']]],
  ['a"b,"c"d', [['a"b', 'c"d']]],
  ['\n\na', [[''], [''], ['a']]],
])('CSV %j', (text, rows) => {
  expect(csvRows(text, Infinity)).toEqual(rows)
})

test('a hostile CSV is read in linear time', () => {
  expect(csvRows('"'.repeat(300_001), Infinity).length).toBeGreaterThan(0)
  expect(csvRows(','.repeat(300_000), Infinity)[0]).toHaveLength(300_001)
  for (const text of ['""",', '"a""b,', '"",x', '"a"x,', '"\n']) {
    expect(csvRows(text.repeat(60_000), Infinity).length).toBeGreaterThan(0)
  }
})

test('policy reads them by msys.db, with ordinals for names', async () => {
  const uris = `datasource "c" { uri = ( "cdb:good.cdb" ) } datasource "t" { uri = "csv:" max_rows = -1 } datasource "o" { uri = ( "odbc:x" ) }`
  const { config, warnings } = parseConfig(uris, 'f.conf', {
    lenient: false,
    defaultHostname: 'm',
    folder,
  })
  expect(warnings).toEqual([expect.stringContaining('f.conf:1: ')])
  const { said } = await runLua(
    `require("msys.db")
     say(msys.db.fetch_row("c", "two")[1], msys.db.fetch_row("c", "none"))
     for row in msys.db.query("t", "list.csv") do say(row[1], row[2]) end`,
    { outside: { databases: databases() }, options: { datasources: config.datasources } },
  )
  expect(said).toBe('zwei nil a@x.example 7 b@x.example ')
})
