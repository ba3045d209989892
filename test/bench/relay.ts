// How fast the relay's client sends, beside nodemailer's SMTPConnection with its defaults and with a
// socket that has TCP_NODELAY: messages of 20 KB over 10 connections, to a sink in a process of its own.
// Three interleaved runs of 2 s each; prints medians and ratios to the first.
// Run: npm run bench -- relay
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import { parseConfig } from '../../src/config/load.ts'
import { openClient } from '../../src/relay/client.ts'
import { profileOf } from '../../src/relay/profile.ts'
import { portOf } from '../support/peer.ts'
import { note } from './result.ts'

type Send = () => Promise<void>

interface Sender {
  readonly send: Send
  readonly close: () => void
}

interface Rate {
  readonly perSecond: number
  readonly cpuMicroseconds: number
}

const CONNECTIONS = 10
const RUN_MS = 2_000
const LINE = 'The quick brown fox jumps over the lazy dog, again and again, until it is 78.\r\n'
const MESSAGE = Buffer.from(`Subject: x\r\n\r\n${LINE.repeat(250)}`)

const PROFILE = profileOf(
  parseConfig('', '', { lenient: false, defaultHostname: 'bench', folder: '/' }).config.outbound(
    'x',
  ),
  '',
  undefined,
)

if (process.argv[2] === 'sink') await runSink()
else await compare()

async function compare(): Promise<void> {
  const sink = fork(fileURLToPath(import.meta.url), ['sink'])
  const port = Number((await once(sink, 'message'))[0])
  const kinds = { nodemailer, 'nodemailer, noDelay': nodemailerNoDelay, ours }
  const rates = Object.entries(kinds).map(([name, open]) => ({ name, open, runs: [] as Rate[] }))
  for (let run = 0; run < 3; run++) {
    for (const { open, runs } of rates) runs.push(await measure(open, port))
  }
  sink.kill()
  const base = median(rates[0]?.runs ?? [])
  for (const { name, runs } of rates) {
    const { perSecond, cpuMicroseconds } = median(runs)
    if (name === 'ours') note('relay client: over nodemailer', perSecond / base.perSecond, 'x')
    const ratio = (perSecond / base.perSecond).toFixed(1)
    const cpu = `${cpuMicroseconds.toFixed(0)} us CPU, ${(base.cpuMicroseconds / cpuMicroseconds).toFixed(1)}x less`
    console.log(`${name.padEnd(20)} ${perSecond.toFixed(0).padStart(6)} msg/s, ${ratio}x; ${cpu}`)
  }
}

function median(runs: readonly Rate[]): Rate {
  const sorted = runs.toSorted((a, b) => a.perSecond - b.perSecond)
  return sorted[Math.floor(sorted.length / 2)] ?? { perSecond: 0, cpuMicroseconds: 0 }
}

async function measure(open: (port: number) => Promise<Sender>, port: number): Promise<Rate> {
  const senders = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(port)))
  const start = performance.now()
  const before = process.cpuUsage()
  let count = 0
  await Promise.all(
    senders.map(async ({ send }) => {
      while (performance.now() - start < RUN_MS) {
        await send()
        count++
      }
    }),
  )
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(before)
  for (const { close } of senders) close()
  return { perSecond: count / seconds, cpuMicroseconds: (user + system) / count }
}

async function ours(port: number): Promise<Sender> {
  const options = { id: '', address: '127.0.0.1', port, name: 'sink', profile: PROFILE }
  const client = await openClient(options)
  if ('kind' in client) throw new Error(client.text)
  const transaction = { mailfrom: 'a@from.test', recipients: ['b@to.test'], bytes: MESSAGE }
  return {
    close: client.destroy,
    async send() {
      const [outcome] = await client.deliver(transaction)
      if (outcome?.kind !== 'delivered') throw new Error(outcome?.text)
    },
  }
}

function nodemailer(port: number): Promise<Sender> {
  return openNodemailer(new SMTPConnection({ host: '127.0.0.1', port }))
}

async function nodemailerNoDelay(port: number): Promise<Sender> {
  const connection = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(connection, 'connect')
  return openNodemailer(new SMTPConnection({ connection }))
}

async function openNodemailer(connection: SMTPConnection): Promise<Sender> {
  await new Promise<void>((resolve, reject) => {
    connection.connect((error?: Error | null) => (error ? reject(error) : resolve()))
  })
  const envelope = { from: 'a@from.test', to: ['b@to.test'] }
  return {
    close: () => connection.close(),
    send: () =>
      new Promise((resolve, reject) => {
        connection.send(envelope, MESSAGE, (error?: Error | null) =>
          error ? reject(error) : resolve(),
        )
      }),
  }
}

/** Answers as little as it can; finds the end of a message at the end of a chunk. */
async function runSink(): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) => {
    let isData = false
    let tail = ''
    socket.write('220 sink\r\n')
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      if (isData) {
        tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - 5))).slice(-5)
        isData = tail !== '\r\n.\r\n'
        if (!isData) socket.write('250 ok\r\n')
        return
      }
      let replies = ''
      for (const line of chunk.toString('latin1').split('\r\n').slice(0, -1)) {
        isData = line === 'DATA'
        if (isData) tail = ''
        replies += line.startsWith('EHLO')
          ? '250-sink\r\n250 PIPELINING\r\n'
          : `${isData ? 354 : 250} ok\r\n`
      }
      socket.write(replies)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.(portOf(server))
}
