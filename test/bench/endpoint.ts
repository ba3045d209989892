// What Hono costs on the click path: this server's listener beside a bare node:http server that does the same
// work (open the token, redirect, tell the event), both loaded by the same client in a process of its own. What
// counts is the processor time of a click, so that other load on the machine does not. Run:
//   npm run bench -- endpoint
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { answerHit, type Endpoint } from '../../src/http/hit.ts'
import { openHttpListener } from '../../src/http/listener.ts'
import { trackerApp } from '../../src/http/tracker.ts'
import { openKeyring } from '../../src/tracking/keyring.ts'
import { parsePath } from '../../src/tracking/path.ts'
import { openSealer, openToken } from '../../src/tracking/token.ts'
import { note } from './result.ts'

const CONNECTIONS = 32
const ROUND_MS = 1_500
const ROUNDS = 5

interface Order {
  readonly port: number
  readonly path: string
}

const now = (): number => Math.floor(Date.now() / 1000)
const keyring = openKeyring([{ secret: Buffer.alloc(32, 1) }])
let events = 0

if (process.send)
  process.on('message', (order: Order) => void load(order).then((n) => process.send?.(n)))
else await main()

async function main(): Promise<void> {
  const path = clickPath()
  const settings = {
    keyring,
    legacyOrigin: undefined,
    hitsPerMinute: 0,
    isDenied: () => false,
    isTrustedProxy: () => false,
  }
  const endpoint: Endpoint = {
    settings: () => settings,
    nowSeconds: now,
    isOverLimit: () => false,
    onEvent: () => void events++,
  }
  const app = trackerApp(endpoint)
  const hono = await openHttpListener({ host: '127.0.0.1', port: 0 }, [app], console.error)
  const raw = await bareServer(endpoint)
  const client = fork(new URL(import.meta.url))
  const micros = { hono: Infinity, raw: Infinity }
  for (let round = 0; round < ROUNDS; round++) {
    // Alternately; the best round of each counts.
    micros.hono = Math.min(micros.hono, await measure(client, hono.address.port, path))
    micros.raw = Math.min(
      micros.raw,
      await measure(client, (raw.address() as AddressInfo).port, path),
    )
  }
  const [honoRate, rawRate] = [1e6 / micros.hono, 1e6 / micros.raw]
  note('clicks a second: of node:http', honoRate / rawRate, 'x', 'at least', 0.7)
  console.log(
    `clicks a second of one core: Hono ${honoRate.toFixed(0)}, node:http ${rawRate.toFixed(0)}: ` +
      `${(honoRate / rawRate).toFixed(2)}x`,
  )
  console.log(`opening a token: ${tokenMicros(path).toFixed(1)} us; ${events} events told`)
  client.kill()
  await hono.close(0)
  raw.closeAllConnections()
  raw.close()
}

function clickPath(): string {
  const sealer = openSealer(keyring, Buffer.alloc(16, 1))
  const { full } = sealer.recipient({
    messageId: '0000632c8b54d53f0a00',
    rcptTo: 'anna@customer.example',
    rawRcptTo: 'Anna@customer.example',
    campaignId: 'autumn',
    metadata: { issue: 11, segment: 'customer' },
    expirySeconds: now() + 3600,
  })
  return `/f/a/${sealer.link('https://shop.example/order?item=1&sig=a%2Bb', 'order', 'click', '')}/${full}`
}

function bareServer(endpoint: Endpoint): Promise<Server> {
  const server = createServer((request, response) => {
    const { status, headers, body } = answerHit(
      {
        method: request.method ?? '',
        path: request.url ?? '',
        peer: request.socket.remoteAddress ?? '',
        header: (name) => request.headers[name]?.toString(),
      },
      endpoint,
    )
    response.writeHead(status, headers)
    response.end(body)
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

/** Microseconds of processor time that a click costs. */
async function measure(client: ChildProcess, port: number, path: string): Promise<number> {
  const before = process.cpuUsage()
  client.send({ port, path } satisfies Order)
  const [count] = (await once(client, 'message')) as [number]
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

function tokenMicros(path: string): number {
  const parsed = parsePath(path)
  if (!parsed) throw new Error('no token')
  const times = 20_000
  const before = process.cpuUsage()
  for (let i = 0; i < times; i++) openToken(keyring, parsed)
  return process.cpuUsage(before).user / times
}

/** Answers that came in one round, over connections that ask again as soon as they are answered. */
async function load({ port, path }: Order): Promise<number> {
  const request = `GET ${path} HTTP/1.1\r\nHost: track.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0\r\nAccept-Language: en\r\n\r\n`
  let count = 0
  let isOver = false
  const run = (): void => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.on('connect', () => socket.write(request))
    socket.on('data', (chunk) => {
      if (!chunk.includes('HTTP/1.1 302')) throw new Error(String(chunk))
      count++
      if (isOver) socket.destroy()
      else if (!chunk.includes('Connection: close')) socket.write(request)
    })
    socket.on('error', () => {})
    // The server ends a connection after so many requests.
    socket.on('close', () => void (isOver || run()))
  }
  for (let i = 0; i < CONNECTIONS; i++) run()
  await new Promise((resolve) => setTimeout(resolve, ROUND_MS))
  isOver = true
  return count
}
