import { describe, expect, test } from 'vitest'
import { type Field, splitHeader } from '../../src/mime/field.ts'
import { readApiHeader, removeApiHeader } from '../../src/tracking/xmsysapi.ts'

const fieldsOf = (header: string): readonly Field[] =>
  splitHeader(Buffer.from(`${header}\r\n\r\n`, 'latin1')).fields

const read = (value: string) => readApiHeader(fieldsOf(`X-MSYS-API: ${value}`))

const settingsOf = (value: string): unknown => {
  const result = read(value)
  return result.kind === 'settings' ? result.settings : result
}

const INVALID = 'X-MSYS-API header must be a valid JSON object'

describe('refuses with 550 5.6.0', () => {
  test.each([
    ['E004 {"metadata":"abc"}', `X-MSYS-API 'metadata' must be of type 'json object'`],
    ['E004 {"metadata":[1]}', `X-MSYS-API 'metadata' must be of type 'json object'`],
    ['E004 {"metadata":5}', `X-MSYS-API 'metadata' must be of type 'json object'`],
    ['{"metadata":null}', `X-MSYS-API 'metadata' must be of type 'json object'`],
    ['{"tags":{}}', `X-MSYS-API 'tags' must be of type 'array'`],
    ['{"tags":"a"}', `X-MSYS-API 'tags' must be of type 'array'`],
    ['{"campaign_id":5}', `X-MSYS-API 'campaign_id' must be of type 'string'`],
    ['{"options":[]}', `X-MSYS-API 'options' must be of type 'json object'`],
    [
      '{"options":{"open_tracking":"false"}}',
      `X-MSYS-API 'options.open_tracking' must be of type 'boolean'`,
    ],
    [
      '{"options":{"click_tracking":1}}',
      `X-MSYS-API 'options.click_tracking' must be of type 'boolean'`,
    ],
    ['E015 {open_tracking: true}', INVALID],
    ['E015 [1,2]', INVALID],
    ['null', INVALID],
    ['"x"', INVALID],
    ['{"campaign_id":"\xff"}', INVALID],
    ['{"campaign_id":"a"} x', INVALID],
  ])('%s', (title, text) => {
    const value = title.replace(/^E\d+ /, '')
    expect(read(value)).toEqual({ kind: 'refused', reply: { code: 550, enhanced: '5.6.0', text } })
  })

  test('a depth bomb', () => {
    const bomb = `{"metadata":{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`
    expect(read(bomb)).toMatchObject({ kind: 'refused', reply: { text: INVALID } })
  })
})

describe('reads', () => {
  test.each([
    ['{}', {}],
    [
      'E002 {"options":{"open_tracking":false,"click_tracking":false}}',
      { openTracking: false, clickTracking: false },
    ],
    [
      '{"campaign_id":"a","metadata":{"b":1},"tags":["c"]}',
      { campaignId: 'a', metadata: { b: 1 }, tags: ['c'] },
    ],
    ['E012 {"tags":[null]}', { tags: [] }],
    ['E012 {"tags":["a",null,3]}', { tags: ['a'] }],
    [
      '{"customer_id":9,"cc":[1],"bcc":"x","archive":{},"options":{"tracking_domain":"evil.example"}}',
      {},
    ],
    ['E008 {"campaign_id" : "my_awes\r\n\tome_campaign" }', { campaignId: 'my_awes ome_campaign' }],
    [
      'E007 {"campaign_id" : "my_awes\r\n   ome_campaign" }',
      { campaignId: 'my_awes ome_campaign' },
    ],
    ['E009 =?UTF-8?B?eyJjYW1wYWlnbl9pZCI6IsOp?=\r\n =?UTF-8?B?dMOpIn0=?=', { campaignId: 'été' }],
    ['{"campaign_id":"\xc3\xa9"}', { campaignId: 'é' }],
    ['{"campaign_id":"\\u00e9=?"}', { campaignId: 'é=?' }],
  ])('%s', (title, expected) => {
    expect(settingsOf(title.replace(/^E\d+ /, ''))).toEqual(expected)
  })

  test('names of the prototype are no members', () => {
    expect(settingsOf('{"__proto__":{"campaign_id":"x"},"constructor":{"tags":1}}')).toEqual({})
    const settings = settingsOf('{"metadata":{"__proto__":{"a":1}}}')
    expect(JSON.stringify(settings)).toBe('{"metadata":{"__proto__":{"a":1}}}')
    expect(({} as { a?: unknown }).a).toBeUndefined()
  })

  test('the first of several, whatever the case of the name', () => {
    const fields = fieldsOf('A: b\r\nx-msys-api: {"campaign_id":"1"}\r\nX-MSYS-API: nonsense')
    expect(readApiHeader(fields)).toMatchObject({ settings: { campaignId: '1' } })
  })

  test.each(['A: b', 'X-MSYS-API:', 'X-MSYS-API:  \r\n  '])('E015 absent: %s', (header) => {
    expect(readApiHeader(fieldsOf(header))).toEqual({ kind: 'absent' })
  })
})

test('E019 every instance is removed, other fields keep their bytes', () => {
  const fields = fieldsOf(
    'A:  b\r\nx-msys-api: {}\r\nB:\r\n\tc\r\nX-MSYS-API: {\r\n }\r\nX-MSYS-APIX: d',
  )
  expect(Buffer.concat(removeApiHeader(fields).map(({ bytes }) => bytes)).toString()).toBe(
    'A:  b\r\nB:\r\n\tc\r\nX-MSYS-APIX: d\r\n',
  )
})
