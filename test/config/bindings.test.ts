import { expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'

const CONF = `
retry_interval = 1
domain a.example { retry_interval = 2 }
domain "/example$/" { max_retry_interval = 20 }
binding_group g {
  retry_interval = 3
  domain a.example { retry_interval = 4 }
  binding one {
    retry_interval = 5
    domain a.example { retry_interval = 6 }
    domain c.example { retry_interval = 7 }
  }
  binding two { suspend_delivery = true }
  binding three { bind_address = 192.0.2.3 }
}
binding three { retry_interval = 8 domain a.example { retry_interval = 9 } }
binding alone { ehlo_hostname = __message__ }
binding_group empty {}
binding_group parked { binding p1 { suspend_delivery = true } binding p2 { suspend_delivery = true } }
`

function config(text = CONF): Config {
  const options = { lenient: false, defaultHostname: 'host.example', folder: '/conf' }
  return parseConfig(text, 'f.conf', options).config
}

test.each([
  ['a.example', 'default', 'default', 2],
  ['b.example', 'default', 'default', 1],
  ['b.other', 'g', 'one', 5],
  ['a.example', 'g', 'one', 6],
  ['C.example', 'g', 'one', 7],
  ['a.example', 'g', 'two', 4],
  ['b.example', 'g', 'two', 3],
  ['a.example', 'g', 'three', 9],
  ['b.example', 'g', 'three', 8],
  ['a.example', 'default', 'alone', 2],
  ['b.example', 'gone', 'gone', 1],
])('%s by %s/%s has its own interval', (domain, group, binding, retryIntervalSeconds) => {
  expect(config().outbound(domain, { group, binding })).toMatchObject({ retryIntervalSeconds })
})

test('an option falls through scopes that do not have it', () => {
  const { outbound } = config()
  expect(outbound('b.example', { group: 'g', binding: 'one' }).maxRetryIntervalSeconds).toBe(20)
  expect(outbound('b.example', { group: 'g', binding: 'three' }).bindAddress).toBe('192.0.2.3')
  expect(outbound('b.example', { group: 'default', binding: 'alone' })).toMatchObject({
    ehloHostname: 'host.example',
    greetsAsSender: true,
  })
})

test('bindings have ids, groups and members; default is always there', () => {
  const { bindings } = config()
  expect(bindings.names).toEqual(['default', 'three', 'alone', 'one', 'two', 'p1', 'p2'])
  expect(['default', 'one', 'three', 'alone', 'nix'].map(bindings.groupOf)).toEqual([
    'default',
    'g',
    'g',
    'default',
    undefined,
  ])
  expect(['g', 'empty', 'nix'].map(bindings.membersOf)).toEqual([
    ['one', 'two', 'three'],
    [],
    undefined,
  ])
  expect(config('').bindings.names).toEqual(['default'])
})

test.each([
  ['g', 0, 'one'],
  ['g', 0.99, 'three'],
  ['parked', 0, 'p1'],
  ['parked', 0.99, 'p2'],
  ['empty', 0, undefined],
  ['nix', 0, undefined],
])('of %s at %d it picks %s: none that is suspended unless all are', (group, at, expected) => {
  expect(config().bindings.pick(group, () => at)).toBe(expected)
})

test('an address must be one', () => {
  expect(() => config('binding x { bind_address = here }')).toThrow(
    'f.conf:1: option "bind_address": expected an IPv4 or IPv6 address, found "here"',
  )
})
