import { describe, expect, test } from 'vitest'
import {
  apiVariables,
  isTrackingDomain,
  resolveTracking,
  type TrackingDefaults,
  type TrackingSettings,
} from '../../src/tracking/options.ts'
import type { ApiSettings } from '../../src/tracking/xmsysapi.ts'

const DEFAULTS: TrackingDefaults = {
  opens: true,
  clicks: true,
  openScheme: 'http',
  clickScheme: 'http',
  domain: 'localhost:8080',
  expirySeconds: 31_536_000,
  initialOpens: false,
  foreignOptOuts: false,
}

const resolve = (context: Record<string, string>, api?: ApiSettings, defaults = {}) =>
  resolveTracking({
    context: (name) => (Object.hasOwn(context, name) ? context[name] : undefined),
    api,
    defaults: { ...DEFAULTS, ...defaults },
  })

const settingsOf = (...args: Parameters<typeof resolve>) => {
  const result = resolve(...args)
  if (result.kind !== 'settings') throw new Error(result.reply.text)
  return result.settings
}

describe('precedence, field by field', () => {
  test('of context, X-MSYS-API and configuration the first that says something counts', () => {
    const table: readonly {
      field: keyof TrackingSettings
      context: readonly [name: string, text: string, value: unknown]
      api?: readonly [field: keyof ApiSettings, value: unknown]
      config?: readonly [value: unknown]
      fallback: unknown
    }[] = [
      {
        field: 'opens',
        context: ['smtpapi_open_tracking', 'true', true],
        api: ['openTracking', false],
        config: [true],
        fallback: false,
      },
      {
        field: 'clicks',
        context: ['smtpapi_click_tracking', '0', false],
        api: ['clickTracking', true],
        config: [true],
        fallback: false,
      },
      {
        field: 'openScheme',
        context: ['smtpapi_open_tracking_scheme', 'HTTPS', 'https'],
        config: ['https'],
        fallback: 'http',
      },
      {
        field: 'clickScheme',
        context: ['smtpapi_click_tracking_scheme', 'http', 'http'],
        config: ['https'],
        fallback: 'http',
      },
      {
        field: 'domain',
        context: ['smtpapi_tracking_domain', 'a.example:81', 'a.example:81'],
        config: ['b.example'],
        fallback: 'localhost:8080',
      },
      {
        field: 'expirySeconds',
        context: ['smtpapi_tracking_link_expiry', '60', 60],
        config: [3600],
        fallback: 31_536_000,
      },
      {
        field: 'campaignId',
        context: ['smtpapi_campaign_id', 'spring', 'spring'],
        api: ['campaignId', 'autumn'],
        fallback: undefined,
      },
      {
        field: 'metadata',
        context: ['smtpapi_metadata', '{"a":1}', { a: 1 }],
        api: ['metadata', { b: 2 }],
        fallback: undefined,
      },
      {
        field: 'tags',
        context: ['smtpapi_tags', '["x"]', ['x']],
        api: ['tags', ['y', 'z']],
        fallback: undefined,
      },
    ]
    const none: TrackingDefaults = { ...DEFAULTS, opens: false, clicks: false }
    for (const { field, context, api, config, fallback } of table) {
      for (const text of [undefined, '', ' ', context[1]]) {
        for (const isInApi of [false, true]) {
          for (const isInConfig of [false, true]) {
            const settings = settingsOf(
              text === undefined ? {} : { [context[0]]: text },
              isInApi && api ? { [api[0]]: api[1] } : undefined,
              isInConfig && config ? { ...none, [field]: config[0] } : none,
            )
            const isInContext = text === context[1]
            const lower = isInApi && api ? api[1] : isInConfig && config ? config[0] : fallback
            expect(settings[field], `${field} ${text} ${isInApi} ${isInConfig}`).toEqual(
              isInContext ? context[2] : lower,
            )
          }
        }
      }
    }
  })

  test('E001 context, then header, then configuration', () => {
    expect(settingsOf({ smtpapi_open_tracking: '0' }, { clickTracking: false })).toMatchObject({
      opens: false,
      clicks: false,
    })
    expect(settingsOf({}, { clickTracking: false })).toMatchObject({ opens: true, clicks: false })
    expect(settingsOf({ smtpapi_click_tracking: '1' }, { clickTracking: false })).toMatchObject({
      clicks: true,
    })
  })

  test('E002 false in the header is false', () => {
    expect(settingsOf({}, { openTracking: false, clickTracking: false })).toMatchObject({
      opens: false,
      clicks: false,
    })
  })

  test('a value replaces the one below as a whole', () => {
    const api = { metadata: { a: 1, b: 2 }, tags: ['x', 'y'], campaignId: 'c' }
    expect(settingsOf({}, api)).toMatchObject(api)
    expect(
      settingsOf(
        {
          smtpapi_metadata: '{"b":3}',
          smtpapi_tags: '["z",null]',
          smtpapi_campaign_id: '\xc3\xa9',
        },
        api,
      ),
    ).toMatchObject({ metadata: { b: 3 }, tags: ['z'], campaignId: 'é' })
  })

  test('nothing set', () => {
    expect(settingsOf({})).toEqual(DEFAULTS)
  })

  test('a customer of more than 255 octets would make links too long: it is ignored', () => {
    const result = resolveTracking({
      context: () => undefined,
      api: undefined,
      defaults: DEFAULTS,
      customerId: 'c'.repeat(256),
    })
    expect(result).toMatchObject({
      warnings: [expect.stringMatching(/^mo_customer_id: "c{64}"… has over 255 octets, ignored$/)],
    })
    expect(result).not.toHaveProperty('settings.customerId')
  })

  test('E022 the customer comes from its own variable', () => {
    const result = resolveTracking({
      context: () => undefined,
      api: undefined,
      defaults: DEFAULTS,
      customerId: '7',
    })
    expect(result).toMatchObject({ settings: { customerId: '7' } })
  })
})

describe('booleans', () => {
  test.each([
    ['1', true, 0],
    ['true', true, 0],
    ['0', false, 0],
    ['false', false, 0],
    [' TRUE ', true, 0],
    ['', 'next', 0],
    ['yes', 'next', 1],
    ['2', 'next', 1],
  ] as const)('E016 "%s"', (value, expected, warned) => {
    for (const below of [true, false]) {
      const result = resolve({ smtpapi_open_tracking: value }, undefined, { opens: below })
      expect(result).toMatchObject({ settings: { opens: expected === 'next' ? below : expected } })
      expect(result.kind === 'settings' && result.warnings.length).toBe(warned)
    }
  })

  test('a warning names variable and value, without control characters', () => {
    expect(resolve({ smtpapi_open_tracking: 'a\r\nb' })).toMatchObject({
      warnings: ['smtpapi_open_tracking: "a\\r\\nb" is not a boolean, ignored'],
    })
  })
})

test.each([
  ['smtpapi_open_tracking_scheme', 'HTTPS', { openScheme: 'https' }, 0],
  ['smtpapi_click_tracking_scheme', ' https ', { clickScheme: 'https' }, 0],
  ['smtpapi_click_tracking_scheme', 'ftp', { clickScheme: 'http' }, 1],
  ['smtpapi_tracking_domain', 't.example:8080', { domain: 't.example:8080' }, 0],
  ['smtpapi_tracking_domain', 't.example/x', { domain: 'localhost:8080' }, 1],
  ['smtpapi_tracking_link_expiry', '60', { expirySeconds: 60 }, 0],
  ['smtpapi_tracking_link_expiry', '-1', { expirySeconds: -1 }, 0],
  ['smtpapi_tracking_link_expiry', '0', { expirySeconds: 0 }, 0],
  ['smtpapi_tracking_link_expiry', '1.5', { expirySeconds: 31_536_000 }, 1],
  ['smtpapi_tracking_link_expiry', 'never', { expirySeconds: 31_536_000 }, 1],
])('%s = %s', (name, value, expected, warned) => {
  const result = resolve({ [name]: value })
  expect(result).toMatchObject({ kind: 'settings', settings: expected })
  expect(result.kind === 'settings' && result.warnings.length).toBe(warned)
})

describe('refusals', () => {
  const CAMPAIGN = 'smtpapi_campaign_id context is limited to 64 bytes'

  test.each([
    ['E006 65 bytes', { smtpapi_campaign_id: 'x'.repeat(65) }, CAMPAIGN],
    ['65 bytes of 33 characters', { smtpapi_campaign_id: `${'\xc3\xa9'.repeat(32)}x` }, CAMPAIGN],
    [
      'metadata array',
      { smtpapi_metadata: '[1]' },
      `smtpapi_metadata context must be of type 'json object'`,
    ],
    [
      'metadata null',
      { smtpapi_metadata: 'null' },
      `smtpapi_metadata context must be of type 'json object'`,
    ],
    [
      'metadata no JSON',
      { smtpapi_metadata: '{a}' },
      `smtpapi_metadata context must be of type 'json object'`,
    ],
    ['tags object', { smtpapi_tags: '{}' }, `smtpapi_tags context must be of type 'array'`],
    ['tags no JSON', { smtpapi_tags: 'a,b' }, `smtpapi_tags context must be of type 'array'`],
  ])('%s', (_what, context, text) => {
    expect(resolve(context)).toEqual({
      kind: 'refused',
      reply: { code: 550, enhanced: '5.6.0', text },
    })
  })

  test('a campaign of the header that is too long is refused, unless the context replaces it', () => {
    const api = { campaignId: 'é'.repeat(33) }
    expect(resolve({}, api)).toMatchObject({ kind: 'refused', reply: { text: CAMPAIGN } })
    expect(resolve({ smtpapi_campaign_id: 'c' }, api)).toMatchObject({
      settings: { campaignId: 'c' },
    })
    expect(resolve({}, { campaignId: 'x'.repeat(64) }).kind).toBe('settings')
  })
})

test('E011 of 12 tags the first 10 are kept', () => {
  const tags = [...Array(12).keys()].map((i) => `t${i + 1}`)
  expect(settingsOf({}, { tags })).toMatchObject({ tags: tags.slice(0, 10) })
  expect(settingsOf({ smtpapi_tags: JSON.stringify([null, ...tags]) })).toMatchObject({
    tags: tags.slice(0, 10),
  })
})

test.each([
  ['localhost:8080', true],
  ['track.example', true],
  ['a_b.example', true],
  ['127.0.0.1:80', true],
  ['[::1]:80', true],
  ['', false],
  ['a b', false],
  ['a.example/x', false],
  ['a.example?x', false],
  ['a.example#x', false],
  ['u@a.example', false],
  ['a"b', false],
  ['a..b', false],
  ['a.example:x', false],
  ['a.example:99999', false],
  ['\xe9.example', false],
])('isTrackingDomain("%s") is %s', (domain, expected) => {
  expect(isTrackingDomain(domain)).toBe(expected)
})

test('X-MSYS-API values are context variables too, where policy has set none', () => {
  const context = new Map([
    ['smtpapi_campaign_id', ' '],
    ['smtpapi_tags', '["mine"]'],
  ])
  const api: ApiSettings = {
    openTracking: false,
    clickTracking: true,
    campaignId: 'é',
    metadata: { a: 'ü' },
    tags: ['t'],
  }
  expect(apiVariables(api, (name) => context.get(name))).toEqual([
    ['smtpapi_open_tracking', 'false'],
    ['smtpapi_click_tracking', 'true'],
    ['smtpapi_campaign_id', '\xc3\xa9'],
    ['smtpapi_metadata', '{"a":"\xc3\xbc"}'],
  ])
  expect(apiVariables({}, () => undefined)).toEqual([])
})
