// A listener that puts a tap on every connection to a server behind it. A client sees the server's own
// replies; when that cannot be reached, 421.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { HostPort } from '../config/config.ts'
import { openTap } from './tap.ts'
import type { Tape, TapeEntry } from './tape.ts'
import { isSettled } from './transcript.ts'

export interface ProxyOptions {
  readonly listen: HostPort
  readonly server: HostPort
  /** The client's address is told to the server in a PROXY line (version 1). */
  readonly tellsClient: boolean
  readonly now: () => number
  /** A session begins; it grows. */
  onOpen?(session: RecordedSession): void
  /** A message was sent and answered. */
  onMessage?(session: RecordedSession): void
  /** It is over. */
  onSession?(session: RecordedSession): void
  /** For the operator. */
  report(text: string): void
}

/** Grows while the session lasts. */
export interface RecordedSession extends Pick<Tape, 'peer' | 'began'> {
  readonly entries: TapeEntry[]
}

export interface Proxy {
  readonly address: HostPort
  /** Ends what is open; resolves when all sessions have been handed over. */
  close(): Promise<void>
}

/** Rejects when the address is taken. */
export async function openProxy(options: ProxyOptions): Promise<Proxy> {
  const open = new Set<() => void>()
  const server = createServer(
    { noDelay: true, pauseOnConnect: true, allowHalfOpen: true },
    (client) => {
      const end = join(client, options, () => open.delete(end))
      open.add(end)
    },
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.listen.port, options.listen.host, () => resolve())
  })
  server.on('error', (error) => options.report(String(error)))
  const { address, port } = server.address() as AddressInfo
  return {
    address: { host: address, port },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const end of open) end()
      await closed
    },
  }
}

function join(client: Socket, options: ProxyOptions, onEnd: () => void): () => void {
  const { server: target, now, report } = options
  const server = connect({ ...target, noDelay: true, allowHalfOpen: true })
  const peer = plainAddress(client.remoteAddress ?? '')
  let session: RecordedSession = { peer, began: new Date(now()).toISOString(), entries: [] }
  options.onOpen?.(session)
  const finish = (how: 'quit' | 'gone'): void => {
    session.entries.push({ kind: 'end', how })
    options.onSession?.(session)
  }
  let isOver = false
  const end = (): void => {
    if (isOver) return
    isOver = true
    client.destroySoon()
    server.destroySoon()
    onEnd()
    finish(endOf(session.entries))
  }
  const tap = openTap({
    toClient: (bytes) => pass(bytes, client, server),
    toServer: (bytes) => pass(bytes, server, client),
    keep: (entry) => void session.entries.push(entry),
    messageAnswered() {
      options.onMessage?.(session)
      const next = options.onSession && continued(session, now)
      if (!next) return
      finish('quit')
      session = next
      options.onOpen?.(session)
    },
  })
  let isHeard = false
  server.on('connect', () => {
    if (options.tellsClient) server.write(proxyLine(client))
    client.resume()
  })
  client.on('data', (chunk: Buffer) => tap.fromClient(chunk))
  server.on('data', (chunk: Buffer) => {
    isHeard = true
    tap.fromServer(chunk)
  })
  server.on('error', (error) => {
    report(`${target.host}:${target.port}: ${error.message}`)
    if (!isHeard && client.writable) client.write('421 4.3.2 the server behind is not there\r\n')
  })
  // A client that resets its connection is gone: that is all there is to it.
  client.on('error', () => {})
  // One that has said all may still listen.
  client.on('end', () => server.end())
  server.on('end', () => client.end())
  for (const socket of [client, server]) socket.on('close', end)
  return end
}

/** Of one session no more than this is kept in memory: what follows goes into another file. */
const MOST_MESSAGES = 50
const MOST_OCTETS = 16 * 1024 * 1024

/** A session that goes on where this one stops, with what was said before its first message. */
function continued(session: RecordedSession, now: () => number): RecordedSession | undefined {
  const { peer, entries } = session
  const messages = entries.flatMap((entry) => (entry.kind === 'message' ? [entry.bytes] : []))
  const octets = messages.reduce((sum, bytes) => sum + bytes.length, 0)
  if (messages.length < MOST_MESSAGES && octets < MOST_OCTETS) return undefined
  // Not while the client waits for more replies.
  if (!isSettled(entries)) return undefined
  const first = entries.findIndex(
    (entry) => entry.kind === 'command' && /^mail\b/i.test(entry.line),
  )
  return { peer, began: new Date(now()).toISOString(), entries: entries.slice(0, first) }
}

/** Reading stops on one side while the other takes no more. */
function pass(bytes: Buffer, to: Socket, from: Socket): void {
  if (!to.writable || to.write(bytes)) return
  from.pause()
  to.once('drain', () => from.resume())
}

function endOf(entries: readonly TapeEntry[]): 'quit' | 'gone' {
  const last = entries.findLast(({ kind }) => kind === 'command')
  return last?.kind === 'command' && /^quit\b/i.test(last.line) ? 'quit' : 'gone'
}

function proxyLine({
  remoteAddress = '',
  remotePort = 0,
  localAddress = '',
  localPort = 0,
}: Socket): string {
  const [from, to] = [plainAddress(remoteAddress), plainAddress(localAddress)]
  const family = from.includes(':') ? 'TCP6' : 'TCP4'
  return `PROXY ${family} ${from} ${to} ${remotePort} ${localPort}\r\n`
}

/** An IPv4 address that came over a socket for both families. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '')
}
