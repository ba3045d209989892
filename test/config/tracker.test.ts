// Options of the tracking endpoints.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'

const folder = mkdtempSync(join(tmpdir(), 'config-'))
afterAll(() => rmSync(folder, { recursive: true }))

const load = (text: string) =>
  parseConfig(text, 'f.conf', { lenient: false, defaultHostname: 'host.example', folder })

const tracker = (options: string) => load(`engagement_tracker { ${options} }`).config.tracking

test.each([
  ['https://click.example.com', 'https://click.example.com'],
  ['HTTP://Old.example:8080/', 'http://old.example:8080'],
])('legacy_tracker = %s is the origin %s', (text, origin) => {
  expect(tracker(`legacy_tracker = "${text}"`).legacyOrigin).toBe(origin)
})

test.each(['click.example.com', 'https://a/path', 'ftp://a', 'https://u@a', 'https://', ''])(
  'legacy_tracker = "%s" is refused',
  (text) => {
    expect(() => tracker(`legacy_tracker = "${text}"`)).toThrow(
      /f\.conf:1: option "legacy_tracker": expected an origin such as https:\/\/click\.example\.com/,
    )
  },
)

test('deny lists, the limit of a token and app-link files are read', () => {
  writeFileSync(join(folder, 'apple.json'), '{}')
  const options = tracker(`deny_messages = ( 0000632c8b54d53f0a00 ) deny_customers = "7"
    token_rate_limit = 60 apple_app_site_association = "apple.json"`)
  expect(options).toMatchObject({
    deniedMessages: ['0000632c8b54d53f0a00'],
    deniedCustomers: ['7'],
    hitsPerMinute: 60,
    assetlinks: undefined,
  })
  expect(options.appleAppSiteAssociation?.toString()).toBe('{}')
  expect(() => tracker('assetlinks = "none.json"')).toThrow(
    'f.conf:1: option "assetlinks": expected the path of a readable file of at most 1 MB',
  )
})

test('proxies are trusted by their listener alone', () => {
  const { http } = load(`
    http_listener "a" { listen ":1" {} trusted_proxies = ( 10.0.0.0/8 fd00::/8 ) }
    http_listener "b" { listen ":2" {} }`).config
  const trusted = ['10.1.2.3', 'fd00::1', '11.0.0.1', '', 'x'].map((address) =>
    http.map((endpoint) => endpoint.isTrustedProxy(address)),
  )
  expect(trusted).toEqual([
    [true, false],
    [true, false],
    [false, false],
    [false, false],
    [false, false],
  ])
})
