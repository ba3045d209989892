// SQLite, as the processes that have its connections answer.
import { closedOutside } from '../../src/outside/closed.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database, SqlStatement } from '../../src/outside/outside.ts'
import { openDatabases } from '../../src/outside/sql/databases.ts'

let folder: string
let database: Database

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'eachrcpt-sqlite-'))
  database = openDatabases(closedOutside().files).open(`sqlite:${join(folder, 'db')}`, {
    maxConnections: 2,
  })
})

afterAll(async () => {
  await database.close()
  rmSync(folder, { recursive: true })
})

const never = new AbortController().signal
const run = (
  sql: string,
  params: SqlStatement['params'] = [],
  more: Partial<SqlStatement> = {},
  signal = never,
) => database.run({ sql, params, timeoutMs: 10_000, ...more }, signal)

/** Counts to a number that it never reaches. */
const ENDLESS =
  'with recursive c(x) as (select 1 union all select x + 1 from c) select max(x) from c'

describe('values', () => {
  test('keep their types, both ways', async () => {
    await run('create table t (i integer, r real, s text, b blob, n)')
    const values = [7, 1.5, 'Gr\xc3\xbc\xc3\x9fe', true, null]
    expect(await run('insert into t values (?, ?, ?, ?, ?)', values)).toEqual({
      kind: 'rows',
      columns: [],
      rows: [],
    })
    expect(await run('select i, r, s, b, n, typeof(i), typeof(s) from t')).toEqual({
      kind: 'rows',
      columns: ['i', 'r', 's', 'b', 'n', 'typeof(i)', 'typeof(s)'],
      rows: [[7, 1.5, 'Gr\xc3\xbc\xc3\x9fe', 1, null, 'integer', 'text']],
    })
  })

  test.each([
    ['a blob is its octets', "select x'00ff41' as v", '\x00\xffA'],
    ['text that is no UTF-8 does no harm', "select cast(x'ff41' as text) as v", '\xef\xbf\xbdA'],
    ['a large number is a double', 'select 9007199254740993 as v', 9007199254740992],
  ])('%s', async (_, sql, expected) => {
    expect(await run(sql)).toMatchObject({ rows: [[expected]] })
  })

  test('octets that are no UTF-8 are taken for Latin-1', async () => {
    expect(await run('select ? as v, length(?) as n', ['\xfc', '\xfc'])).toMatchObject({
      rows: [['\xc3\xbc', 1]],
    })
  })

  test('placeholders have numbers or names', async () => {
    const named = new Map([['who', 'anna']])
    expect(await run('select :who as a, $who as b, :none as c', named)).toMatchObject({
      rows: [['anna', 'anna', null]],
    })
  })
})

test('no more rows are read than are wanted', async () => {
  expect(await run(ENDLESS.replace('max(x)', 'x'), [], { maxRows: 3 })).toMatchObject({
    rows: [[1], [2], [3]],
  })
})

test.each([
  ['select nonsense', 'no such column: nonsense'],
  ['selec 1', 'near "selec": syntax error'],
  ["select load_extension('x')", 'not authorized'],
])('%s fails', async (sql, text) => {
  expect(await run(sql)).toEqual({ kind: 'failed', text })
})

test('what cannot be opened says why, and that nothing was run', async () => {
  const none = openDatabases(closedOutside().files).open(`sqlite:${join(folder, 'none', 'db')}`, {
    maxConnections: 1,
  })
  expect(await none.run({ sql: 'select 1', params: [], timeoutMs: 10_000 }, never)).toMatchObject({
    kind: 'failed',
    text: expect.stringContaining('unable to open database file') as unknown,
    isUnreached: true,
  })
  await none.close()
})

test('a statement that does not end is ended, and the next one runs', async () => {
  await run('select 1')
  expect(await run(ENDLESS, [], { timeoutMs: 300 })).toEqual({
    kind: 'failed',
    text: 'the statement was ended after 0.3 s',
  })
  expect(await run('select 1 as v')).toMatchObject({ rows: [[1]] })
})

test('one that nobody wants any more is ended', async () => {
  const ending = new AbortController()
  const answer = run(ENDLESS, [], {}, ending.signal)
  expect(await run('select 1 as v')).toMatchObject({ rows: [[1]] })
  ending.abort()
  expect(await answer).toMatchObject({ kind: 'failed' })
})

test('who waits for a connection waits in line, and not for ever', async () => {
  const ending = new AbortController()
  const endless = [1, 2].map(() => run(ENDLESS, [], {}, ending.signal))
  expect(await run('select 1', [], { timeoutMs: 200 })).toEqual({
    kind: 'failed',
    text: 'no connection was free in time',
    isUnreached: true,
  })
  const third = run('select 3 as v')
  ending.abort()
  expect((await Promise.all(endless)).map(({ kind }) => kind)).toEqual(['failed', 'failed'])
  expect(await third).toMatchObject({ rows: [[3]] })
})

test('a database in memory is one for all', async () => {
  const memory = openDatabases(closedOutside().files).open('sqlite::memory:', { maxConnections: 4 })
  const ask = (sql: string) => memory.run({ sql, params: [], timeoutMs: 10_000 }, never)
  await ask('create table t (a)')
  const answers = await Promise.all([1, 2, 3].map((i) => ask(`insert into t values (${i})`)))
  expect(answers.map(({ kind }) => kind)).toEqual(['rows', 'rows', 'rows'])
  expect(await ask('select count(*) as n from t')).toMatchObject({ rows: [[3]] })
  await memory.close()
})

test('a statement that does not end goes with the process that asked', async () => {
  const program = new URL('../../build/outside/sql/databases.js', import.meta.url).href
  const code = `import { openDatabases } from ${JSON.stringify(program)}
    const run = (sql) => database.run({ sql, params: [], timeoutMs: 60_000 }, new AbortController().signal)
    const database = openDatabases({}).open('sqlite::memory:', { maxConnections: 1 })
    await run('select 1')
    run(${JSON.stringify(ENDLESS)})
    console.log('runs')`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code])
  await once(parent.stdout, 'data')
  const [child = ''] = readFileSync(
    `/proc/${parent.pid}/task/${parent.pid}/children`,
    'utf8',
  ).split(' ')
  expect(existsSync(`/proc/${child}/stat`)).toBe(true)
  parent.kill('SIGKILL')
  await expect.poll(() => existsSync(`/proc/${child}/stat`)).toBe(false)
})

test.each([
  ['odbc:DSN=x', "'odbc:' is not supported (sqlite, postgresql, mysql, cdb, csv, iowrapper)"],
  ['mysql:what', 'its uri cannot be understood'],
])('%s is refused', async (uri, text) => {
  const other = openDatabases(closedOutside().files).open(uri, { maxConnections: 1 })
  expect(await other.run({ sql: 'select 1', params: [], timeoutMs: 1_000 }, never)).toEqual({
    kind: 'failed',
    text,
    isUnreached: true,
  })
})
