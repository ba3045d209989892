// Data sources: what their stanzas say, and what is wrong with one.
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'

const load = (text: string) =>
  parseConfig(text, 'test.conf', { lenient: false, defaultHostname: 'h.test', folder: '/etc/mail' })

test('Momentum examples load, with their defaults', () => {
  const { config, warnings } = load(`
    Datasource "preferencesdb" {
      uri = ( "sqlite:prefs.sqlite" "pgsql:host=db.example;dbname=mail" )
      cache_size = 200
      cache_life = 36000
    }
    Datasource "csv" { max_rows = -1  uri = "sqlite::memory:"  no_cache = true }`)
  expect(warnings).toEqual([])
  expect(config.datasources).toEqual([
    {
      name: 'preferencesdb',
      uris: ['sqlite:/etc/mail/prefs.sqlite', 'pgsql:host=db.example;dbname=mail'],
      cacheSize: 200,
      cacheSeconds: 36_000,
      maxRows: 100,
      isUncached: false,
      maxConnections: 4,
      querySeconds: 10,
    },
    expect.objectContaining({ name: 'csv', uris: ['sqlite::memory:'], maxRows: -1 }),
  ])
})

test('repeated stanzas of one name count as one', () => {
  const { config } = load(`
    datasource "a" { uri = "sqlite:/a"  max_rows = 5 }
    datasource "a" { max_rows = 7 }`)
  expect(config.datasources).toMatchObject([{ name: 'a', uris: ['sqlite:/a'], maxRows: 7 }])
})

test('a source that is not supported warns with its place, and without its password', () => {
  const { warnings } = load('datasource "a" {\n uri = ( "ldap://h/?x-bindpw=geheim" ) }')
  expect(warnings).toEqual([
    'test.conf:2: a data source of "ldap:" is known but not supported: asking it fails',
  ])
})

test.each([
  [
    'datasource "a" {}',
    'test.conf:1: option "uri": missing: expected uri = ( "sqlite:/path/of/file" )',
  ],
  ['datasource "a" { uri = "nothing" }', /test\.conf:1: option "uri": expected a list of URIs/],
  ['datasource "a" { uri = () }', /expected a list of URIs/],
  ['datasource "a" { uri = "sqlite:/a" max_rows = -2 }', /a whole number of rows, or -1 for all/],
  ['datasource "a" { uri = "sqlite:/a" max_connections = 0 }', /a whole number, 1 or more/],
  ['datasource { uri = "sqlite:/a" }', /datasource/],
])('%s is refused', (text, message) => {
  expect(() => load(text)).toThrow(message)
})
