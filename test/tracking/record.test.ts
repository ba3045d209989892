// Which event has which fields, as consumers of Momentum and SparkPost read them.
import { expect, test } from 'vitest'
import { eventLine, type EventType, type Facts } from '../../src/tracking/record.ts'

const STAMP = { eventId: 'e1', seconds: 1_795_260_480, nodeName: 'node.example' }
const KNOWN = {
  message_id: '0000632c8b54d53f0a00',
  recv_method: 'esmtp',
  pathway: 'in',
  pathway_group: 'all',
  cust_order: '7',
  campaign_id: '',
}

function fieldsOf(type: EventType, ...facts: readonly Facts[]): Record<string, unknown> {
  const record = JSON.parse(eventLine(type, STAMP, facts.length > 0 ? facts : [KNOWN]))
  return Object.values(record.msys)[0] as Record<string, unknown>
}

test.each([
  ['injection', ['recv_method', 'pathway', 'pathway_group']],
  ['delivery', ['recv_method']],
  ['bounce', ['recv_method']],
  ['delay', []],
  ['policy_rejection', ['recv_method', 'pathway', 'pathway_group']],
] as const)('%s has of the facts about the way in %j', (type, expected) => {
  const names = Object.keys(fieldsOf(type))
  expect(names.filter((name) => /^(?:recv|path)/.test(name))).toEqual(expected)
})

test('every event has its stamp, its custom variables, and no empty field', () => {
  expect(fieldsOf('delivery')).toEqual({
    type: 'delivery',
    event_id: 'e1',
    timestamp: '1795260480',
    node_name: 'node.example',
    message_id: '0000632c8b54d53f0a00',
    recv_method: 'esmtp',
    cust_order: '7',
  })
})

test('of several facts of a name the last holds; metadata, tags and the parsed user agent are JSON', () => {
  const first = { rcpt_meta: '{"a":1}', rcpt_tags: '["x"]' }
  expect(fieldsOf('click', first, { rcpt_meta: '{"a":2}' })).toMatchObject({
    rcpt_meta: { a: 2 },
    rcpt_tags: ['x'],
  })
})

test('is JSON on one line, whatever the facts hold', () => {
  const own = JSON.parse('{"__proto__":"a","constructor":"b"}')
  const line = eventLine('click', STAMP, [
    { user_agent: 'a"b\\c\n\u2028é', rcpt_meta: '{\n"a":\n1}', rcpt_tags: 'broken' },
    own,
    { target_link_url: 'x', campaign_id: '' },
  ])
  expect(line).not.toMatch(/[\r\n]/)
  const fields = JSON.parse(line).msys.track_event
  expect(fields).toMatchObject({
    user_agent: 'a"b\\c\n\u2028é',
    rcpt_meta: { a: 1 },
    rcpt_tags: 'broken',
    constructor: 'b',
    target_link_url: 'x',
  })
  expect(Object.keys(fields)).toContain('__proto__')
})
