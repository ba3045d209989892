// Copies are written into memory that others had before: what a next hop takes is always one copy as a whole, whatever
// other connections do at the same time.
import { createHash } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { portOf } from '../support/peer.ts'
import { send, serverPerTest } from '../support/server.ts'

const MESSAGES = 30
const RECIPIENTS = 3

const start = serverPerTest()

test.each(['no', 'ifavailable'])('with send_chunking = %s', async (chunking) => {
  const taken: string[] = []
  const ways = new Set<string>()
  const port = await unsteadySink((message, way) => {
    taken.push(message)
    ways.add(way)
  })
  const server = await start({
    wayOut: `gateway = "127.0.0.1:${port}"\n send_chunking = ${chunking}\n retry_interval = 1\n max_retry_interval = 1\n max_recipients_per_batch = 1`,
  })
  const wire = await server.dial()
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  for (let i = 0; i < MESSAGES; i++) {
    const rcpttos = Array.from({ length: RECIPIENTS }, (_, j) => `r${j}@rcpt.example`)
    expect(await send(wire, rcpttos, messageOf(i))).toMatch(/^250/)
  }
  await expect.poll(() => new Set(taken.map(bodyOf)).size).toBe(MESSAGES)
  await expect.poll(() => taken.length).toBe(MESSAGES * RECIPIENTS)
  expect(taken.filter((message) => !isWhole(message))).toEqual([])
  expect([...ways]).toEqual([chunking === 'no' ? 'DATA' : 'BDAT'])
})

/** Of another size each, and it says its own digest. */
function messageOf(number: number): string {
  const lines = Array.from(
    { length: 100 + number * 7 },
    (_, i) => `${number}: line ${i} ${'x'.repeat(40)}`,
  )
  const body = `${lines.join('\r\n')}\r\n`
  return `From: news@sender.example\r\nSubject: ${digest(body)}\r\n\r\n${body}`
}

function isWhole(message: string): boolean {
  const subject = /^Subject: (\w+)\r$/m.exec(message)?.[1]
  return subject === digest(bodyOf(message))
}

function bodyOf(message: string): string {
  return message.slice(message.indexOf('\r\n\r\n') + 4)
}

function digest(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex')
}

/** Takes every other message, slowly; of the others it drops the connection, or refuses while they are on their way. */
async function unsteadySink(take: (message: string, way: string) => void): Promise<number> {
  let count = 0
  const end = (socket: Socket, message: string, way: string): void => {
    const kind = count++ % 6
    if (kind === 1) return void socket.destroy()
    if (kind === 3) return void socket.write('451 later\r\n')
    setTimeout(() => {
      take(message, way)
      socket.write('250 ok\r\n')
    }, kind)
  }
  const server = createServer((socket) => {
    let text = ''
    let chunk = 0
    let isData = false
    socket.on('error', () => socket.destroy())
    socket.write('220 sink\r\n')
    const readMessage = (): boolean => {
      const at = chunk > 0 ? chunk : text.indexOf('\r\n.\r\n') + 2
      if (chunk > 0 ? text.length < chunk : at < 2) return false
      const message = text.slice(0, at)
      const way = chunk > 0 ? 'BDAT' : 'DATA'
      text = text.slice(chunk > 0 ? at : at + 3)
      chunk = 0
      isData = false
      end(socket, message, way)
      return true
    }
    const readCommand = (): boolean => {
      const at = text.indexOf('\r\n')
      if (at < 0) return false
      const line = text.slice(0, at)
      text = text.slice(at + 2)
      chunk = Number(/^BDAT (\d+) LAST$/.exec(line)?.[1] ?? 0)
      isData = line === 'DATA'
      if (line.startsWith('EHLO')) socket.write('250-sink\r\n250-PIPELINING\r\n250 CHUNKING\r\n')
      else if (chunk === 0) socket.write(isData ? '354 go\r\n' : '250 ok\r\n')
      return true
    }
    socket.on('data', (octets: Buffer) => {
      text += octets.toString('latin1')
      while (!socket.destroyed && (chunk > 0 || isData ? readMessage() : readCommand()));
    })
  })
  server.unref()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return portOf(server)
}
