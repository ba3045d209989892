// `msys.db`, from Lua: over a real SQLite, and over a database that answers as the test says.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DatasourceOptions } from '../../src/config/datasources.ts'
import { closedOutside } from '../../src/outside/closed.ts'
import type { Databases, SqlAnswer, SqlStatement } from '../../src/outside/outside.ts'
import { openDatabases } from '../../src/outside/sql/databases.ts'
import { BUDGET, policyOf, runLua, subjectOf } from '../support/policy.ts'

const SOURCE: DatasourceOptions = {
  name: 'prefs',
  uris: ['sqlite::memory:'],
  cacheSize: 100,
  cacheSeconds: 60,
  maxRows: 100,
  isUncached: false,
  maxConnections: 1,
  querySeconds: 10,
}

const setUp = `
  local db = msys.db
  db.execute("prefs", "drop table if exists users")
  db.execute("prefs", "create table users (id integer, name text, quota real)")
  for i, name in ipairs { "anna", "bert", "cora" } do
    db.execute("prefs", "insert into users values (?, ?, ?)", { i, name, i / 2 })
  end `

describe('with SQLite', () => {
  let folder: string
  let datasources: readonly DatasourceOptions[]
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'eachrcpt-db-'))
    datasources = [{ ...SOURCE, uris: [`sqlite:${join(folder, 'db')}`] }]
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('rows come as tables, by name', async () => {
    const { said } = await runLua(
      `${setUp}
       require("msys.db") require("msys.datasource")
       local rowset, err = db.query("prefs", "select name, quota from users where id > ? order by id", { 1 })
       for row in rowset do say(row.name, row.quota + 1) end
       say(rowset(), err)
       say(db.fetch_row("prefs", "select name from users where id = :id", { id = 3 }).name)
       say(db.fetch_row("prefs", "select name from users where id = $id and name = $name", { id = 3, name = "x" }))
       say(db.fetch_row("prefs", "select ? as a, ? as b, ? as c", { "x", nil, "z" }).c)
       say(db.fetch_row("prefs", "select null as a, 1 as b", nil, {}).a)
       say(db.execute("prefs", "update users set name = ? where id = 1", { "eve" }, { raise_error = false }))
       say(db.fetch_row("prefs", "select name from users where id = 1").name)
       say(select(2, db.execute("prefs", "nonsense", nil, { raise_error = false })))
       say(select("#", db.query("prefs", "select nonsense", nil, { raise_error = false })))
       say(db.query("prefs", "select nonsense"))`,
      { outside: { databases: openDatabases(closedOutside().files) }, options: { datasources } },
    )
    expect(said).toMatch(
      /^bert 2 cora 2\.5 nil nil cora nil z nil true eve datasource "prefs": near "nonsense": syntax error 2 ERROR .*msys\.db\.query: datasource "prefs": no such column: nonsense$/,
    )
  })
})

/** Answers with how often it was asked; `slow` never until it is aborted. */
function counting() {
  const asked: string[] = []
  const aborted: string[] = []
  const run = ({ sql, maxRows }: SqlStatement, signal: AbortSignal): Promise<SqlAnswer> => {
    asked.push(sql)
    if (sql === 'fails') return Promise.resolve({ kind: 'failed', text: 'no' })
    if (sql !== 'slow') {
      const rows = [[asked.length, maxRows ?? null]]
      return Promise.resolve({ kind: 'rows', columns: sql === 'do' ? [] : ['n', 'max'], rows })
    }
    return new Promise((resolve) =>
      signal.addEventListener('abort', () => {
        aborted.push(sql)
        resolve({ kind: 'failed', text: 'ended' })
      }),
    )
  }
  const databases: Databases = { open: () => ({ run, close: () => Promise.resolve() }) }
  return { asked, aborted, databases }
}

async function expectSaid(
  code: string,
  expected: string | RegExp,
  source: Partial<DatasourceOptions> = {},
) {
  const { said } = await runLua(`local db = msys.db ${code}`, {
    outside: { databases: counting().databases },
    options: { datasources: [{ ...SOURCE, ...source }] },
  })
  if (typeof expected === 'string') expect(said).toBe(expected)
  else expect(said).toMatch(expected)
}

const twice = (options = 'nil', sql = 'a') =>
  `for i = 1, 2 do say(db.fetch_row("prefs", "${sql}", nil, ${options}).n) end`

describe('what is kept', () => {
  test.each<[string, string, Partial<DatasourceOptions>]>([
    [twice(), '1 1', {}],
    [twice('{ nocache = true }'), '1 2', {}],
    [twice(), '1 2', { isUncached: true }],
    [twice(), '1 2', { cacheSize: 0 }],
    [twice(), '1 2', { cacheSeconds: 0 }],
    [`${twice()} ${twice('nil', 'b')} ${twice()}`, '1 1 2 2 3 3', { cacheSize: 1 }],
    // Other values are another question.
    [
      'for i = 1, 2 do say(db.fetch_row("prefs", "a", { i }).n) end say(db.fetch_row("prefs", "a", { 1 }).n)',
      '1 2 1',
      {},
    ],
    // A row that policy changed is as it was for the next one.
    ['db.fetch_row("prefs", "a").n = 7 say(db.fetch_row("prefs", "a").n)', '1', {}],
    ['for i = 1, 2 do db.execute("prefs", "a") end say(db.fetch_row("prefs", "a").n)', '3', {}],
    // What gives no rows did something.
    ['db.query("prefs", "do") db.query("prefs", "do") say(db.fetch_row("prefs", "a").n)', '3', {}],
    ['say(db.fetch_row("prefs", "a").max)', '5', { maxRows: 5 }],
    ['say(db.fetch_row("prefs", "a").max)', 'nil', { maxRows: -1 }],
  ])('%s', expectSaid)
})

describe('arguments', () => {
  test.each<[string, string | RegExp]>([
    ['db.query()', /msys\.db\.query: bad argument #1 \(string expected, got nil\): cache/],
    ['db.query("prefs")', /msys\.db\.query: bad argument #2 \(string expected, got nil\): sql/],
    ['db.query("prefs", "a", 1)', /bad argument #3 \(table expected, got number\): params/],
    ['db.query("prefs", "a", {}, 1)', /bad argument #4 \(table expected, got number\): options/],
    [
      'db.fetch_row({}, "a")',
      /msys\.db\.fetch_row: bad argument #1 \(string expected, got table\)/,
    ],
    [
      'db.execute("prefs", true)',
      /msys\.db\.execute: bad argument #2 \(string expected, got boolean\)/,
    ],
    [
      'db.query("prefs", "a", { {} })',
      /bad argument #3 \(string, number or boolean expected for '1', got table\)/,
    ],
    ['db.query("none", "a")', /msys\.db\.query: there is no datasource "none"/],
    [
      'say(db.query("none", "a", nil, { raise_error = false }))',
      'nil there is no datasource "none"',
    ],
    ['say(db.query("prefs", "fails", nil, { raise_error = false }))', 'nil datasource "prefs": no'],
    [
      'say(db.fetch_row("prefs", "fails", nil, { raise_error = false }))',
      'nil datasource "prefs": no',
    ],
    [
      'say(db.execute("prefs", "fails", nil, { raise_error = false }))',
      'false datasource "prefs": no',
    ],
    ['db.execute("prefs", "fails", nil, {})', /msys\.db\.execute: datasource "prefs": no/],
  ])('%s', expectSaid)
})

test('where there are no databases it says so, also without raise_error', async () => {
  const { said } = await runLua('msys.db.query("prefs", "a", nil, { raise_error = false })', {
    options: { datasources: [SOURCE] },
  })
  expect(said).toMatch(/msys\.db\.query: no databases here: a/)
})

test('others are served while one waits, and a callout that is killed ends its statement', async () => {
  const { asked, aborted, databases } = counting()
  const source = `msys.registerModule("t", {
    validate_connect = function(self, ac, vctx)
      msys.db.query("prefs", "slow") return msys.core.VALIDATE_CONT end,
    validate_ehlo = function(self, str, ac, vctx)
      print(msys.db.fetch_row("prefs", "a").n) return msys.core.VALIDATE_CONT end })`
  const { policy, panics, close } = await policyOf(
    { t: source },
    {
      outside: closedOutside({ databases }),
      datasources: [SOURCE],
      budget: { ...BUDGET, wallMs: 300 },
    },
  )
  const slow = policy.openSession().run('validate_connect', subjectOf().subject)
  await policy.openSession().run('validate_ehlo', subjectOf().subject)
  expect(asked).toEqual(['slow', 'a'])
  expect(panics).toEqual(['scriptlet: 2'])
  expect(await slow).toMatchObject({
    reason: expect.stringContaining('waited longer than its wall-clock limit') as unknown,
  })
  await expect.poll(() => aborted).toEqual(['slow'])
  await close()
})

test('those who ask the same wait for one answer, which ends with the last of them', async () => {
  const { asked, aborted, databases } = counting()
  const source = `msys.registerModule("t", { validate_connect = function(self, ac, vctx)
      msys.db.query("prefs", "slow") return msys.core.VALIDATE_CONT end })`
  const { policy, close } = await policyOf(
    { t: source },
    {
      outside: closedOutside({ databases }),
      datasources: [SOURCE],
      budget: { ...BUDGET, wallMs: 200 },
    },
  )
  const runs = [1, 2].map(() => policy.openSession().run('validate_connect', subjectOf().subject))
  for (const run of runs) await run
  expect(asked).toEqual(['slow'])
  await expect.poll(() => aborted).toEqual(['slow'])
  await close()
})

test('several databases are asked in turn, and one that cannot be reached is passed over', async () => {
  const asked: string[] = []
  const databases: Databases = {
    open: (uri) => ({
      run: () => {
        asked.push(uri)
        return Promise.resolve(
          uri === 'gone'
            ? { kind: 'failed', text: 'refused', isUnreached: true }
            : { kind: 'rows', columns: ['uri'], rows: [[uri]] },
        )
      },
      close: () => Promise.resolve(),
    }),
  }
  const { said } = await runLua(
    'for i = 1, 3 do say(msys.db.fetch_row("prefs", "a", { i }).uri) end',
    {
      outside: { databases },
      options: { datasources: [{ ...SOURCE, uris: ['a', 'gone', 'b'] }] },
    },
  )
  expect(said).toBe('a b b')
  expect(asked).toEqual(['a', 'gone', 'b', 'b'])
})
