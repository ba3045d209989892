// What stands for values in a statement, and what only looks like it.
import { describe, expect, test } from 'vitest'
import { renderSql } from '../../src/outside/sql/placeholders.ts'
import { readDatabaseAddress } from '../../src/outside/sql/uri.ts'

const render = (sql: string, dialect: 'standard' | 'mysql' = 'standard') => {
  const params = new Map([
    ['1', 'one'],
    ['2', 'two'],
    ['name', 'anna'],
  ])
  const { text, values } = renderSql({ sql, params }, dialect, (number) => `<${number}>`)
  return `${text} | ${values.map((value) => value ?? 'NULL').join(' ')}`
}

describe('placeholders', () => {
  test.each([
    ['select ? , ?', 'select <1> , <2> | one two'],
    ['a = :name and b = $name', 'a = <1> and b = <2> | anna anna'],
    ['$2 $1 :none', '<1> <2> <3> | two one NULL'],
    ['? ? ?', '<1> <2> <3> | one two NULL'],
    ["'it''s ?' ?", "'it''s ?' <1> | one"],
    ['"a?b" `c?d` ?', '"a?b" `c?d` <1> | one'],
    ['-- why?\n?', '-- why?\n<1> | one'],
    ['/* ? \n :name */ ?', '/* ? \n :name */ <1> | one'],
    ['a::text = ?', 'a::text = <1> | one'],
    ['@x := ?', '@x := <1> | one'],
    ['data ?? ?', 'data ? <1> | one'],
    ['$$ ? $$ ?', '$$ ? $$ <1> | one'],
    ['$q$ ? $$ $q$ ?', '$q$ ? $$ $q$ <1> | one'],
    ['arr[1:2] = ?', 'arr[1:2] = <1> | one'],
    ["'open ?", "'open ? | "],
    ['/* open ?', '/* open ? | '],
  ])('%s', (sql, expected) => {
    expect(render(sql)).toBe(expected)
  })

  test.each([
    ["'it\\'s ?' ?", "'it\\'s ?' <1> | one"],
    ['# why?\n?', '# why?\n<1> | one'],
  ])('in MySQL: %s', (sql, expected) => {
    expect(render(sql, 'mysql')).toBe(expected)
  })

  test('a long statement takes no longer for each of its octets', () => {
    const sql = `select ${"'".repeat(100_001)}${'$'.repeat(100_001)}${'/*'.repeat(50_000)}`
    expect(render(sql)).toContain('select')
  })
})

test.each([
  ['postgresql://u:p%40ss@db.example:5433/mail', 'u p@ss db.example 5433 mail disable'],
  ['postgres://db.example/mail?sslmode=require', '- - db.example - mail require'],
  ['postgresql://u@[::1]:5432/mail', 'u - ::1 5432 mail disable'],
  [
    'pgsql:host=db.example;dbname=mail;user=u;password=s;port=5432',
    'u s db.example 5432 mail disable',
  ],
  ['pgsql:host=/run/postgresql dbname=mail', '- - /run/postgresql - mail disable'],
  [
    'mysql:host=localhost;port=3306;dbname=ecmail; user=user;password=pw',
    'user pw localhost 3306 ecmail disable',
  ],
  ['mysql:host=db;port=none', undefined],
  ['mysql:what', undefined],
  ['postgresql://[', undefined],
  ['postgresql://u%@h/x', undefined],
])('%s', (uri, expected) => {
  const found = readDatabaseAddress(uri)
  const { user, password, host, socketPath, port, database, sslmode } = found ?? {}
  const text = [user, password, host ?? socketPath, port, database, sslmode]
    .map((part) => part ?? '-')
    .join(' ')
  expect(found && text).toBe(expected)
})
