// The other ends of a measured server, each in a process of its own (`node load.js sink`, `… injector`):
// a sink that takes everything and counts recipients, and an injector that pipelines MAIL, RCPT and DATA
// over many connections. Both talk to the bench by process messages.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { portOf } from '../support/peer.ts'

export interface Load {
  readonly port: number
  readonly messages: number
  readonly recipients: number
  readonly domain: string
  readonly connections: number
  /** CRLF-canonical, without lines that begin with a dot, with the final CRLF; a byte string. */
  readonly message: string
  /** Messages a second; as fast as they are taken without. */
  readonly perSecond?: number
}

export interface Sink {
  readonly port: number
  /** Recipients taken so far. */
  taken(): number
  /** Of these, those whose address had been there before. */
  twice(): number
  readonly kill: () => void
}

export interface Injected {
  /** When its first connection was opened, epoch ms. */
  readonly beganMs: number
  readonly seconds: number
  /** Of its own processor time. */
  readonly cpuSeconds: number
  /** Milliseconds from the final dot to its reply, ascending. */
  readonly waits: readonly number[]
}

const REPORT_MS = 10

interface Counts {
  taken: number
  twice: number
}

if (process.argv[2] === 'sink') await runSink()
if (process.argv[2] === 'injector') {
  process.on('message', (load: Load) => void inject(load).then((done) => process.send?.(done)))
}

export async function startSink(): Promise<Sink> {
  const child = start('sink')
  const port = Number((await once(child, 'message'))[0])
  let counts: Counts = { taken: 0, twice: 0 }
  child.on('message', (latest: Counts) => void (counts = latest))
  const { kill } = child
  return {
    port,
    taken: () => counts.taken,
    twice: () => counts.twice,
    kill: () => void kill.call(child),
  }
}

/** Processes that wait for their next load: a new one would be measured while it compiles. */
const idle: ChildProcess[] = []

/** Resolves when all has been taken. */
export async function runInjector(load: Load): Promise<Injected> {
  const child = idle.pop() ?? start('injector')
  child.channel?.ref()
  child.ref()
  child.send(load)
  const injected = await new Promise<Injected>((resolve, reject) => {
    const fail = (): void => reject(new Error('the injector failed'))
    child.once('exit', fail)
    child.once('message', (done) => {
      child.removeListener('exit', fail)
      resolve(done as Injected)
    })
  })
  child.unref()
  child.channel?.unref()
  idle.push(child)
  return injected
}

function start(role: string): ChildProcess {
  return fork(fileURLToPath(import.meta.url), [role], { execArgv: [] })
}

async function inject(load: Load): Promise<Injected> {
  const waits: number[] = []
  const octets = Buffer.from(`${load.message}.\r\n`, 'latin1')
  let left = load.messages
  const cpu = process.cpuUsage()
  const begin = performance.now()
  const next = async (): Promise<number | undefined> => {
    if (left <= 0) return undefined
    const number = --left
    const dueMs = load.perSecond ? ((load.messages - number) * 1000) / load.perSecond : 0
    const early = begin + dueMs - performance.now()
    if (early > 0) await delay(early)
    return number
  }
  await Promise.all(
    Array.from({ length: load.connections }, () =>
      converse(load, octets, next, (ms) => waits.push(ms)),
    ),
  )
  const beganMs = performance.timeOrigin + begin
  const seconds = (performance.now() - begin) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const cpuSeconds = (user + system) / 1e6
  return { beganMs, seconds, cpuSeconds, waits: waits.sort((a, b) => a - b) }
}

/** One connection: messages as long as `next` gives numbers. */
async function converse(
  { port, recipients, domain }: Load,
  octets: Buffer,
  next: () => Promise<number | undefined>,
  waited: (ms: number) => void,
): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const hear = listener(socket)
  await hear(1, 220)
  socket.write('EHLO injector.test\r\n')
  await hear(1, 250)
  for (let number = await next(); number !== undefined; number = await next()) {
    const first = number * recipients
    let envelope = 'MAIL FROM:<bounce@sender.test>\r\n'
    for (let i = 0; i < recipients; i++) envelope += `RCPT TO:<user${first + i}@${domain}>\r\n`
    socket.write(`${envelope}DATA\r\n`, 'latin1')
    await hear(recipients + 1, 250)
    await hear(1, 354)
    socket.write(octets)
    const dot = performance.now()
    await hear(1, 250)
    waited(performance.now() - dot)
  }
  socket.end('QUIT\r\n')
}

/** What waits for so many replies; rejects when one has another code or the connection ends. */
function listener(socket: Socket): (count: number, code: number) => Promise<void> {
  const codes: number[] = []
  let rest = ''
  let check = (): void => {}
  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\r\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line[3] === ' ') codes.push(Number(line.slice(0, 3)))
    check()
  })
  return (count, code) =>
    new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error(`expected ${code}, the connection ended`))
      check = () => {
        const wrong = codes.slice(0, count).find((each) => each !== code)
        if (wrong !== undefined) return reject(new Error(`expected ${code}, got ${wrong}`))
        if (codes.length < count) return
        codes.splice(0, count)
        socket.removeListener('close', fail)
        check = () => {}
        resolve()
      }
      socket.once('close', fail)
      check()
    })
}

async function runSink(): Promise<void> {
  const counts: Counts = { taken: 0, twice: 0 }
  const known = new Set<string>()
  const take = (recipients: readonly string[]): void => {
    counts.taken += recipients.length
    for (const each of recipients) {
      if (known.has(each)) counts.twice++
      else known.add(each)
    }
  }
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.write('220 sink\r\n')
    swallow(socket, take)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.(portOf(server))
  setInterval(() => process.send?.(counts), REPORT_MS)
  process.once('disconnect', () => process.exit())
}

/** Answers as little as it can; the end of a message behind DATA is only looked for at the end of a chunk. */
function swallow(socket: Socket, took: (recipients: readonly string[]) => void): void {
  let isData = false
  /** Of a message that came as a chunk. */
  let octetsLeft = 0
  let tail = ''
  let recipients: string[] = []
  const replyTo = (line: string): string => {
    if (line.startsWith('MAIL')) recipients = []
    if (line.startsWith('RCPT')) recipients.push(line)
    isData = line === 'DATA'
    if (line.startsWith('BDAT')) octetsLeft = Number(line.split(' ')[1])
    if (line.startsWith('EHLO'))
      return `250-sink\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n`
    if (octetsLeft > 0) return ''
    return isData ? '354 go\r\n' : line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n'
  }
  const readCommands = (text: string): void => {
    let from = 0
    let replies = ''
    for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n', from)) {
      replies += replyTo(text.slice(from, end))
      from = end + 2
      if (octetsLeft === 0) continue
      const here = Math.min(octetsLeft, text.length - from)
      octetsLeft -= here
      from += here
      if (octetsLeft > 0) break
      took(recipients)
      replies += '250 ok\r\n'
    }
    tail = text.slice(from)
    if (replies) socket.write(replies)
  }
  socket.on('data', (chunk: Buffer) => {
    if (octetsLeft > chunk.length) octetsLeft -= chunk.length
    else if (octetsLeft > 0) {
      const rest = chunk.toString('latin1', octetsLeft)
      octetsLeft = 0
      took(recipients)
      socket.write('250 ok\r\n')
      readCommands(rest)
    } else if (isData) {
      tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - 11))).slice(-11)
      // Postfix says QUIT together with the end of its last message.
      const end = /\r\n\.\r\n(QUIT\r\n)?$/.exec(tail)
      if (!end) return
      isData = false
      tail = ''
      took(recipients)
      socket.write(end[1] ? '250 ok\r\n221 bye\r\n' : '250 ok\r\n')
    } else readCommands(tail + chunk.toString('latin1'))
  })
}
