import { Hono } from 'hono'
import { afterEach, expect, test } from 'vitest'
import { type HttpListener, openHttpListener } from '../../src/http/listener.ts'
import { dial } from '../support/wire.ts'

let listener: HttpListener | undefined

afterEach(() => listener?.close(0))

/** Everything that comes back for these octets until the connection ends. */
async function exchange(octets: string): Promise<string> {
  const app = new Hono().get('/x', (c) => c.text('here\n'))
  listener = await openHttpListener({ host: '127.0.0.1', port: 0 }, [app], () => {})
  const wire = await dial(listener.address.port)
  wire.send(octets)
  await wire.ended
  return wire.unread
}

const get = (path: string, more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}Connection: close\r\n\r\n`

test.each([
  ['a request', get('/x'), 200],
  ['an unknown path', get('/y'), 404],
  ['a URL of 1 MB', get(`/${'x'.repeat(1 << 20)}`), 431],
  ['a header of 60 KB', get('/x', `X: ${'y'.repeat(60_000)}\r\n`), 431],
  ['two framings', get('/x', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n'), 400],
  ['lines of LF', 'GET /x HTTP/1.1\nHost: a\n\n', 400],
  ['SMTP', 'EHLO client.example\r\n', 400],
])('%s is answered %s', async (_, octets, code) => {
  expect(await exchange(octets)).toMatch(new RegExp(`^HTTP/1.1 ${code} `))
})

test('a connection has an end, however many requests are pipelined on it', async () => {
  const all = await exchange('GET /x HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1500))
  expect(all.split('HTTP/1.1 200 OK')).toHaveLength(1001)
})
