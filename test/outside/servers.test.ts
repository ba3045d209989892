// PostgreSQL and MariaDB, real ones: values, limits, and what happens when they are slow or gone.
import { closedOutside } from '../../src/outside/closed.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database, SqlStatement } from '../../src/outside/outside.ts'
import { openDatabases } from '../../src/outside/sql/databases.ts'
import {
  type DatabaseServer,
  hasMariadb,
  hasPostgres,
  startMariadb,
  startPostgres,
} from '../support/databases.ts'

const never = new AbortController().signal

/** What is the same for both, in the words of each. */
const KINDS = [
  {
    name: 'PostgreSQL',
    has: hasPostgres,
    start: startPostgres,
    setUp: [],
    blob: `select '\\x00ff41'::bytea as v`,
    many: 'select * from generate_series(1, 100000) as v',
    slow: 'select pg_sleep(30)',
    running: `select count(*) as n from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'`,
    typed: `select ?::int as i, ?::float8 as r, ?::text as s, ?::bool as t, ?::text as n`,
    values: ['7', '1.5', 'Gr\xc3\xbc\xc3\x9fe', 't', null],
    wrong: /column "nonsense" does not exist/,
  },
  {
    name: 'MariaDB',
    has: hasMariadb,
    start: startMariadb,
    setUp: ['create database mail'],
    blob: `select x'00ff41' as v`,
    many: 'select seq as v from mail.seq_1_to_100000',
    slow: 'select sleep(30)',
    running: `select count(*) as n from information_schema.processlist where info like 'select sleep%'`,
    typed: 'select ? as i, ? as r, ? as s, ? as t, ? as n',
    values: ['7', '1.5', 'Gr\xc3\xbc\xc3\x9fe', '1', null],
    wrong: /Unknown column 'nonsense'/,
  },
] as const

describe.each(KINDS)('$name', (kind) => {
  let server: DatabaseServer
  let database: Database
  const run = (
    sql: string,
    params: SqlStatement['params'] = [],
    more: Partial<SqlStatement> = {},
    signal = never,
  ) => database.run({ sql, params, timeoutMs: 10_000, ...more }, signal)

  beforeAll(async () => {
    if (!kind.has) return
    server = await kind.start()
    database = openDatabases(closedOutside().files).open(server.uri, { maxConnections: 2 })
    for (const statement of kind.setUp) await run(statement)
  }, 60_000)

  afterAll(async () => {
    if (!kind.has) return
    await database.close()
    await server.stop()
  })

  test.skipIf(!kind.has)('values come back as texts', async () => {
    expect(await run(kind.typed, [7, 1.5, 'Gr\xc3\xbc\xc3\x9fe', true, null])).toEqual({
      kind: 'rows',
      columns: ['i', 'r', 's', 't', 'n'],
      rows: [kind.values],
    })
    expect(await run(kind.blob)).toMatchObject({ rows: [['\x00\xffA']] })
  })

  test.skipIf(!kind.has)('placeholders have names too', async () => {
    const params = new Map([['who', "o'anna"]])
    const sql = `select 'x' as a where 'o''anna' = :who and $who <> 'b'`
    expect(await run(sql, params)).toMatchObject({ rows: [['x']] })
  })

  test.skipIf(!kind.has)('no more rows are kept than are wanted', async () => {
    expect(await run(kind.many, [], { maxRows: 3 })).toMatchObject({ rows: [['1'], ['2'], ['3']] })
    expect(await run(`${kind.many} limit ?`, [2])).toMatchObject({ rows: [['1'], ['2']] })
  })

  test.skipIf(!kind.has)('what it refuses it says, and only one statement is taken', async () => {
    expect(await run('select nonsense')).toMatchObject({
      kind: 'failed',
      text: expect.stringMatching(kind.wrong) as unknown,
    })
    expect(await run('select 1; select 2')).toMatchObject({ kind: 'failed' })
    expect(await run('select ?; select 2', ['x'])).toMatchObject({ kind: 'failed' })
  })

  test.skipIf(!kind.has)('a slow statement is ended there, and the next one runs', async () => {
    expect(await run(kind.slow, [], { timeoutMs: 500 })).toEqual({
      kind: 'failed',
      text: 'the statement was ended after 0.5 s',
    })
    await expect.poll(() => run(kind.running)).toMatchObject({ rows: [['0']] })
  })

  test.skipIf(!kind.has)('it may be started anew', async () => {
    await run('select 1 as v')
    await server.restart()
    expect(await run('select 2 as v')).toMatchObject({ rows: [['2']] })
  })
})

test.each([
  ['postgresql://x@127.0.0.1:1/x', /ECONNREFUSED/],
  ['mysql://x@127.0.0.1:1/x', /ECONNREFUSED/],
])('%s is not there', async (uri, text) => {
  const database = openDatabases(closedOutside().files).open(uri, { maxConnections: 1 })
  const statement = { sql: 'select 1', params: [], timeoutMs: 10_000 }
  expect(await database.run(statement, never)).toMatchObject({
    kind: 'failed',
    text: expect.stringMatching(text) as unknown,
    isUnreached: true,
  })
})
