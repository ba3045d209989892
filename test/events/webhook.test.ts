import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import type { WebhookOptions } from '../../src/config/events.ts'
import { makeWebhook } from '../../src/events/webhook.ts'
import { openReceiver } from '../support/receiver.ts'
import { record } from './store.ts'

const OPTIONS: WebhookOptions = {
  name: 'crm',
  url: '',
  events: undefined,
  authToken: undefined,
  hmacKey: undefined,
  allowPrivate: true,
  batchSize: 10_000,
  consumerGroup: undefined,
  batchSeconds: 30,
}
const ID = '0f8fad5b-d9cb-469f-a165-70867728950e'
const NEVER = new AbortController().signal

const hook = (options: Partial<WebhookOptions>, addresses: readonly string[] = ['127.0.0.1']) =>
  makeWebhook(
    { ...OPTIONS, ...options },
    { resolve: () => Promise.resolve(addresses), userAgent: 'eachrcpt/0' },
  )

const batch = (...records: string[]) => ({
  id: ID,
  events: records.map((text) => Buffer.from(text)),
})

test('E154 a batch is a POST of a JSON array of the records, with its id and the token', async () => {
  const receiver = await openReceiver()
  const sink = hook({ url: receiver.url, authToken: 's3cret' })
  await sink.deliver(batch(record('open', 1), record('click', 'grün')), NEVER)
  const [{ method, path, headers, body }] = receiver.received as [(typeof receiver.received)[0]]
  expect([method, path]).toEqual(['POST', '/hook'])
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'x-messagesystems-batch-id': ID,
    'x-messagesystems-webhook-token': 's3cret',
    'user-agent': 'eachrcpt/0',
    host: `127.0.0.1:${receiver.port}`,
  })
  expect(headers['x-eachrcpt-signature']).toBeUndefined()
  expect(body).toBe(
    '[{"msys":{"track_event":{"type":"open","event_id":"1"}}},' +
      '{"msys":{"track_event":{"type":"click","event_id":"grün"}}}]',
  )
})

test('a user in the URL is basic authentication', async () => {
  const receiver = await openReceiver()
  const url = `http://us%40er:pass@127.0.0.1:${receiver.port}/`
  await hook({ url }).deliver(batch(record('open', 1)), NEVER)
  const authorization = `Basic ${Buffer.from('us@er:pass').toString('base64')}`
  expect(receiver.received[0]?.headers['authorization']).toBe(authorization)
})

test('the signature is what openssl makes of the body and the key', async () => {
  const receiver = await openReceiver()
  await hook({ url: receiver.url, hmacKey: 'key of both' }).deliver(batch(record('open', 1)), NEVER)
  const { headers, body } = receiver.received[0]!
  const openssl = execFileSync('openssl', ['dgst', '-sha256', '-hmac', 'key of both'], {
    input: body,
  })
  expect(headers['x-eachrcpt-signature']).toBe(
    `sha256=${openssl.toString().trim().split(' ').at(-1)}`,
  )
})

test.each([200, 201, 204])('%i takes the batch', async (code) => {
  const receiver = await openReceiver()
  receiver.answers.push(code)
  await hook({ url: receiver.url }).deliver(batch(record('open', 1)), NEVER)
})

test.each([400, 401, 404, 410, 429, 500, 503, 304])('%i does not', async (code) => {
  const receiver = await openReceiver()
  receiver.answers.push(code)
  const delivery = hook({ url: receiver.url }).deliver(batch(record('open', 1)), NEVER)
  await expect(delivery).rejects.toThrow(`answered ${code}`)
})

test('neither does a connection that is reset, or refused', async () => {
  const receiver = await openReceiver()
  receiver.answers.push('reset')
  const sink = hook({ url: receiver.url })
  await expect(sink.deliver(batch(record('open', 1)), NEVER)).rejects.toThrow(/ECONNRESET|hang up/)
  const nobody = hook({ url: 'http://127.0.0.1:1/' })
  await expect(nobody.deliver(batch(record('open', 1)), NEVER)).rejects.toThrow('ECONNREFUSED')
})

test('a receiver that hangs is left when we stop', async () => {
  const receiver = await openReceiver()
  receiver.answers.push('hang')
  const stop = new AbortController()
  const delivery = hook({ url: receiver.url }).deliver(batch(record('open', 1)), stop.signal)
  await expect.poll(() => receiver.received.length).toBe(1)
  stop.abort()
  await expect(delivery).rejects.toThrow('stopped')
})

test('E156 no answer in time is a failure, in time for the next attempt', async () => {
  const receiver = await openReceiver()
  receiver.answers.push('hang')
  const sink = makeWebhook(
    { ...OPTIONS, url: receiver.url },
    { resolve: () => Promise.resolve(['127.0.0.1']), userAgent: '', timeoutMs: 50 },
  )
  const delivery = sink.deliver(batch(record('open', 1)), NEVER)
  await expect(delivery).rejects.toThrow('no answer within 0.05 s')
  await sink.deliver(batch(record('open', 1)), NEVER)
})

test('an answer that does not end has taken the batch when the time is over', async () => {
  const receiver = await openReceiver()
  receiver.answers.push('endless')
  const sink = makeWebhook(
    { ...OPTIONS, url: receiver.url },
    { resolve: () => Promise.resolve(['127.0.0.1']), userAgent: '', timeoutMs: 200 },
  )
  await sink.deliver(batch(record('open', 1)), NEVER)
  expect(receiver.received).toHaveLength(1)
})

test('the test batch holds no event, and must be answered 200', async () => {
  const receiver = await openReceiver()
  receiver.answers.push(200, 204, 500)
  const sink = hook({ url: receiver.url, authToken: 't' })
  await sink.greet?.(NEVER)
  expect(receiver.received[0]?.body).toBe('[{"msys":{}}]')
  expect(receiver.received[0]?.headers['x-messagesystems-webhook-token']).toBe('t')
  await expect(sink.greet?.(NEVER)).rejects.toThrow('the test batch was answered 204, not 200')
  await expect(sink.greet?.(NEVER)).rejects.toThrow('the test batch was answered 500, not 200')
})

test.each([
  ['127.0.0.1'],
  ['::1'],
  ['10.1.2.3'],
  ['169.254.169.254'],
  ['192.168.0.1'],
  ['100.64.0.1'],
  ['0.0.0.0'],
  ['::ffff:127.0.0.1'],
  ['64:ff9b::7f00:1'],
  ['2002:7f00:1::'],
  ['fd00::1'],
  ['fe80::1%eth0'],
  ['::7f00:1'],
  ['not an address'],
])('B39 a name that is %s is refused', async (address) => {
  const receiver = await openReceiver()
  const sink = hook({ url: `http://internal.example:${receiver.port}/`, allowPrivate: false }, [
    address,
  ])
  await expect(sink.deliver(batch(record('open', 1)), NEVER)).rejects.toThrow(
    `internal.example (${address}) is no public address, see allow_private`,
  )
  expect(receiver.received).toEqual([])
})

test('B39 of several addresses only public ones are tried: a name cannot be rebound', async () => {
  let asked = 0
  const receiver = await openReceiver()
  const sink = makeWebhook(
    { ...OPTIONS, url: `http://rebind.example:${receiver.port}/`, allowPrivate: false },
    {
      // Public when it is looked at, loopback for whoever asks again.
      resolve: () => Promise.resolve(asked++ === 0 ? ['192.0.2.1', '127.0.0.1'] : ['127.0.0.1']),
      userAgent: '',
    },
  )
  await expect(sink.deliver(batch(record('open', 1)), NEVER)).rejects.toThrow('no public address')
  expect(receiver.received).toEqual([])
})

test('B39 a redirect is not followed, wherever it leads', async () => {
  const [receiver, other] = [await openReceiver(), await openReceiver()]
  receiver.answers.push({ redirect: other.url }, { redirect: 'http://169.254.169.254/' })
  const sink = hook({ url: receiver.url })
  for (let i = 0; i < 2; i++) {
    const delivery = sink.deliver(batch(record('open', 1)), NEVER)
    await expect(delivery).rejects.toThrow('answered 302: redirects are not followed')
  }
  expect(other.received).toEqual([])
})

test('the host is resolved by us, and named to the server as it is written', async () => {
  const receiver = await openReceiver()
  const sink = hook({ url: `http://hooks.crm.example:${receiver.port}/a?b=c` })
  await sink.deliver(batch(record('open', 1)), NEVER)
  expect(receiver.received[0]).toMatchObject({
    path: '/a?b=c',
    headers: { host: `hooks.crm.example:${receiver.port}` },
  })
})

test('it is for the events that it lists', () => {
  const sink = hook({ events: new Set(['click']) })
  expect([sink.wants('click'), sink.wants('open')]).toEqual([true, false])
  expect(hook({}).wants('open')).toBe(true)
})
