// HTTP for policy: what it reaches and what it must not, against a server of the test's own.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCidr } from '../../src/config/cidr.ts'
import { makeHttpClient } from '../../src/outside/http.ts'
import type { HttpRequest, Resolver } from '../../src/outside/outside.ts'

const seen: string[] = []
let base: string
let port: number
const server = createServer((request, response) => void answer(request, response))
const sockets = new Set<Socket>()
server.on('connection', (socket) => {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const body = Buffer.concat(chunks).toString('latin1')
  seen.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)} ${body}`)
  const [, route, target = ''] = /^\/(\w+)\/?(.*)/.exec(request.url ?? '') ?? []
  if (route === 'redirect') response.writeHead(302, { Location: decodeURIComponent(target) }).end()
  else if (route === 'long') response.end('x'.repeat(100_000))
  else if (route === 'endless') response.write('x')
  else if (route === 'silent') return
  else
    response
      .writeHead(201, 'Made', { 'X-A': ['1', '2'], 'X-L': '\xe9' })
      .end('caf\xc3\xa9', 'latin1')
}

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ;({ port } = server.address() as AddressInfo)
  base = `http://127.0.0.1:${port}`
})

afterAll(() => {
  for (const socket of sockets) socket.destroy()
  server.close()
})

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'A inside.example': ['127.0.0.1'],
  'A metadata.example': ['169.254.169.254'],
  'AAAA six.example': ['::1'],
}

const resolver: Resolver = {
  ask({ type, name }) {
    const records = NAMES[`${type} ${name}`]
    return records ? { kind: 'found', records } : { kind: 'failed', text: 'NXDOMAIN' }
  },
}

function send(
  request: Partial<HttpRequest>,
  allow: readonly string[] = ['127.0.0.1'],
  given = resolver,
  signal = new AbortController().signal,
) {
  const allowed = allow.flatMap((block) => readCidr(block) ?? [])
  const defaults = { method: 'GET', url: base, headerLines: [], timeoutMs: 2_000, maxBytes: 10_000 }
  return makeHttpClient({ resolver: given, allowed }).send({ ...defaults, ...request }, signal)
}

describe('requests', () => {
  test('the answer has status, header lines and body as they came', async () => {
    expect(await send({ url: `${base}/a` })).toMatchObject({
      kind: 'answered',
      status: 201,
      statusText: 'Made',
      headerLines: expect.arrayContaining(['X-A: 1', 'X-A: 2', 'X-L: \xe9']),
      body: 'caf\xc3\xa9',
      url: `${base}/a`,
    })
  })

  test('what is sent: method, header lines, octets', async () => {
    const headerLines = ['X-B: 1', 'X-B: 2', 'Content-Type: text/x', 'Content-Length: 1']
    await send({ url: `${base}/b?q=1`, method: 'PUT', headerLines, body: '\xe9\0' })
    const line = seen.at(-1) ?? ''
    expect(line).toContain('PUT /b?q=1 ')
    expect(line).toContain('"x-b":"1, 2"')
    expect(line).toContain('"content-type":"text/x"')
    expect(line).toContain('"content-length":"2"')
    expect(line.endsWith(' \xe9\0')).toBe(true)
  })

  test('a name leads to the address that DNS gives once', async () => {
    const asked: string[] = []
    const rebinding: Resolver = {
      ask({ type, name }) {
        asked.push(`${type} ${name}`)
        const isFirst = asked.length === 1
        const records = isFirst ? ['127.0.0.1'] : ['192.0.2.1']
        return type === 'A' ? { kind: 'found', records } : { kind: 'failed', text: 'NODATA' }
      },
    }
    const url = `http://rebinding.example:${port}/`
    expect(await send({ url }, ['127.0.0.1'], rebinding)).toMatchObject({ status: 201 })
    expect(asked).toEqual(['A rebinding.example', 'AAAA rebinding.example'])
  })

  test.each([
    [{ url: 'http://none.example/' }, 6, 'none.example has no address: NXDOMAIN'],
    [{ url: 'nonsense' }, 3, 'not a URL: nonsense'],
    [{ url: 'file:///etc/passwd' }, 1, 'not http or https: file:'],
    [{ url: 'gopher://127.0.0.1/' }, 1, 'not http or https: gopher:'],
    [{ url: 'http://127.0.0.1:1/' }, 7, 'connect ECONNREFUSED 127.0.0.1:1'],
    [{ headerLines: ['X: a\r\nY: b'] }, 43, 'not a header line: X: a\r\nY: b'],
    [{ headerLines: ['no colon'] }, 43, 'not a header line: no colon'],
  ])('%j fails', async (request, code, text) => {
    expect(await send(request)).toEqual({ kind: 'failed', code, text })
  })

  test('an answer that is too long, too late or too slow is a failure', async () => {
    expect(await send({ url: `${base}/long` })).toMatchObject({ code: 63 })
    expect(await send({ url: `${base}/silent`, timeoutMs: 30 })).toMatchObject({
      code: 28,
      text: 'no answer within 30 ms',
    })
    expect(await send({ url: `${base}/endless`, timeoutMs: 30 })).toMatchObject({ code: 28 })
  })

  test('who gives up closes the connection', async () => {
    const controller = new AbortController()
    const sent = send({ url: `${base}/silent` }, ['127.0.0.1'], resolver, controller.signal)
    await once(server, 'request')
    const [socket] = [...sockets].slice(-1)
    const closed = once(socket!, 'close')
    controller.abort()
    expect(await sent).toMatchObject({ kind: 'failed' })
    await closed
  })
})

describe('addresses that are not public', () => {
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://0/',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://a.localhost/',
    'http://169.254.169.254/latest/meta-data/',
    'http://10.0.0.1/',
    'http://100.64.0.1/',
    'http://172.16.0.1/',
    'http://192.168.0.1/',
    'http://224.0.0.1/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[fe80::1]/',
    'http://[fd00::1]/',
    'http://user:secret@127.0.0.1/',
    'https://127.0.0.1/',
    'http://inside.example/',
    'http://metadata.example/',
    'http://six.example/',
  ])('%s is not reached', async (url) => {
    expect(await send({ url }, [])).toMatchObject({
      kind: 'failed',
      code: 7,
      text: expect.stringMatching(/ is no public address, see http_allow$/),
    })
  })

  test('of the addresses of a name only the public ones are tried', async () => {
    const both: Resolver = {
      ask: ({ type }) =>
        type === 'A'
          ? { kind: 'found', records: ['169.254.169.254', '127.0.0.1'] }
          : { kind: 'failed', text: 'NODATA' },
    }
    const url = `http://both.example:${port}/`
    expect(await send({ url }, ['127.0.0.0/8'], both)).toMatchObject({ status: 201 })
  })
})

describe('redirects', () => {
  const to = (url: string) => ({ url: `${base}/redirect/${encodeURIComponent(url)}` })

  test('are answers, unless they are to be followed', async () => {
    expect(await send(to('/there'))).toMatchObject({ status: 302 })
    expect(await send({ ...to('/there'), maxRedirects: 1 })).toMatchObject({ url: `${base}/there` })
  })

  test.each([
    ['http://169.254.169.254/', 7],
    ['http://metadata.example/', 7],
    ['file:///etc/passwd', 1],
  ])('%s is not reached by one', async (url, code) => {
    expect(await send({ ...to(url), maxRedirects: 3 })).toMatchObject({ kind: 'failed', code })
  })

  test('end', async () => {
    const loop = `${base}/redirect/${encodeURIComponent('/redirect/x')}`
    expect(await send({ url: loop, maxRedirects: 2 })).toMatchObject({ kind: 'failed', code: 47 })
  })

  test('what proves who we are stays with the origin', async () => {
    const headerLines = ['Authorization: secret', 'X-Plain: 1']
    const url = `http://inside.example:${port}/other`
    await send({ ...to(url), headerLines, maxRedirects: 1 })
    expect(seen.at(-1)).toContain('/other')
    expect(seen.at(-1)).toContain('"x-plain":"1"')
    expect(seen.at(-1)).not.toContain('secret')
  })
})
