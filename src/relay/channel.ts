// One TCP connection to a peer as a queue of replies: write, then await each reply in turn, with a time
// limit for each. Every failure ends the connection and becomes a value; what arrives later is dropped.
// net.connect is only given IP addresses, so it never looks up names. `secure` goes on under TLS.
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { type RemoteReply, replyReader } from './protocol.ts'

export interface Lost {
  readonly kind: 'lost'
  readonly cause: 'closed' | 'timeout' | 'malformed' | 'tls'
  readonly isConnected: boolean
  /** Part of what was written had not left this machine. */
  readonly isWriting: boolean
  /** Of `tls`: what went wrong. */
  readonly note?: string
}

/** TLS holds; `complaint`: what is wrong with the peer's certificate. */
export interface Secured {
  readonly kind: 'secured'
  readonly complaint: string | undefined
}

export type Arrival = ({ readonly kind: 'reply' } & RemoteReply) | Lost

/** Hears what is said, byte strings; of the octets of a message only how many there are. `end`: why no more is. */
export type Tap = (who: 'us' | 'them' | 'end', text: string) => void

export interface Channel {
  /** Writes the chunks (strings: byte strings) in one go. `shown`: what a tap hears of it instead. */
  send(chunks: readonly (string | Buffer)[], shown?: string): void
  /** The next reply. Its time begins when everything written has left; until then `blockMs` holds. */
  reply(timeoutMs: number): Promise<Arrival>
  /** Begins TLS. The peer has just agreed to it; if it said more than that, nothing of it counts. */
  secure(options: ConnectionOptions, timeoutMs: number): Promise<Secured | Lost>
  /** Open, everything written has left, and nothing has arrived that nobody asked for. */
  readonly isQuiet: () => boolean
  /** From now on; undefined: nobody listens. */
  readonly tap: (tap: Tap | undefined) => void
  /** Ends the connection; a reply still awaited is lost. */
  readonly destroy: () => void
}

export interface ChannelOptions {
  /** IPv4 or IPv6 address. */
  readonly address: string
  readonly port: number
  /** Ours; undefined: any. */
  readonly bindAddress: string | undefined
  readonly connectMs: number
  /** For what was written to leave, without any progress (RFC 5321 §4.5.3.2.5). */
  readonly blockMs: number
  readonly tap?: Tap | undefined
}

interface Wire {
  socket: Socket
  tap: Tap | undefined
  readonly waiting: Arrival[]
  isConnected: boolean
  awaiting: { resolve: (arrival: Arrival) => void; timeoutMs: number } | undefined
  timer: NodeJS.Timeout | undefined
  /** What answers everything from now on. */
  final: Arrival | undefined
}

/** More replies than one pipelined transaction can have. */
const MAX_WAITING_REPLIES = 1100
/** What all connections in clear are read into: Node would make 64 KB for each read, and collect them again. */
const inbox = Buffer.allocUnsafeSlow(65_536)

export function openChannel(options: ChannelOptions): Channel {
  const { address, port, bindAddress, connectMs, blockMs, tap } = options
  const local = bindAddress === undefined ? {} : { localAddress: bindAddress }
  const onread = {
    buffer: inbox,
    callback: (octets: number): boolean => {
      hear(inbox.toString('latin1', 0, octets))
      return true
    },
  }
  const socket = connect({ host: address, port, noDelay: true, ...local, onread })
  const wire: Wire = {
    socket,
    tap,
    waiting: [],
    isConnected: false,
    awaiting: undefined,
    timer: undefined,
    final: undefined,
  }
  // Node's own timer watches progress: of the TCP handshake here, of unfinished writes in `send`.
  socket.setTimeout(connectMs)
  socket.on('connect', () => {
    wire.isConnected = true
    socket.setTimeout(0)
  })
  attach(wire, socket)
  const hear = hearing(wire)
  return {
    send(chunks, shown) {
      if (wire.tap && !wire.final) wire.tap('us', shown ?? heardOf(chunks))
      send(wire, chunks, blockMs)
    },
    reply(timeoutMs) {
      const arrival = nextWaiting(wire) ?? wire.final
      if (arrival) return Promise.resolve(arrival)
      return new Promise((resolve) => {
        wire.awaiting = { resolve, timeoutMs }
        startClock(wire)
      })
    },
    secure: (tls, timeoutMs) => secure(wire, tls, timeoutMs),
    isQuiet: () =>
      !wire.final &&
      !wire.awaiting &&
      wire.waiting.length === 0 &&
      wire.socket.writableLength === 0,
    tap: (next) => void (wire.tap = next),
    destroy: () => lose(wire, 'closed'),
  }
}

/** The end of the socket is that of the wire from now on. */
function attach(wire: Wire, socket: Socket): void {
  socket.on('timeout', () => lose(wire, 'timeout'))
  socket.on('error', () => lose(wire, 'closed'))
  socket.on('close', () => lose(wire, 'closed'))
}

/** Takes what the peer says, a byte string in any pieces. */
function hearing(wire: Wire): (text: string) => void {
  const reader = replyReader()
  return (text) => {
    wire.tap?.('them', text)
    const { replies, isMalformed } = reader.read(text)
    for (const reply of replies) wire.waiting.push({ kind: 'reply', ...reply })
    const next = wire.awaiting && nextWaiting(wire)
    if (next) settle(wire, next)
    if (isMalformed || wire.waiting.length > MAX_WAITING_REPLIES) lose(wire, 'malformed')
  }
}

function secure(
  wire: Wire,
  options: ConnectionOptions,
  timeoutMs: number,
): Promise<Secured | Lost> {
  const plain = wire.socket
  // What was said in clear after the agreement might be anybody's (CVE-2011-0411).
  if (wire.waiting.length > 0) lose(wire, 'malformed')
  if (wire.final) return Promise.resolve(lost(wire))
  // Its errors and its end remain ours; its octets are TLS's, which reads them below this object.
  return new Promise((resolve) => {
    const fail = (cause: 'timeout' | 'tls', note: string): void => {
      clearTimeout(timer)
      lose(wire, cause, note)
      resolve(lost(wire))
    }
    const timer = setTimeout(() => fail('timeout', 'no answer'), timeoutMs)
    const onError = (error: Error): void => fail('tls', reasonOf(error))
    const onClose = (): void => fail('tls', 'connection closed')
    const onSecure = (): void => {
      clearTimeout(timer)
      socket.off('error', onError)
      socket.off('close', onClose)
      wire.socket = socket
      attach(wire, socket)
      const hear = hearing(wire)
      socket.on('data', (chunk: Buffer) => hear(chunk.toString('latin1')))
      resolve({ kind: 'secured', complaint: complaintOf(socket.authorizationError) })
    }
    let socket: TLSSocket
    try {
      // The certificate is judged by who asked.
      socket = connectTls({ ...options, socket: plain, rejectUnauthorized: false }, onSecure)
    } catch (error) {
      // OpenSSL does not take what we would show or speak.
      fail('tls', error instanceof Error ? reasonOf(error) : String(error))
      return
    }
    socket.on('error', onError)
    socket.on('close', onClose)
  })
}

function complaintOf(error: unknown): string | undefined {
  // Node gives null, an Error or its code here, whatever its types say.
  if (error === null || error === undefined) return undefined
  if (error instanceof Error) return reasonOf(error)
  return typeof error === 'string' ? error : 'unknown'
}

function reasonOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message
}

export function isPositive(arrival: Arrival): boolean {
  return arrival.kind === 'reply' && arrival.code >= 200 && arrival.code < 300
}

function heardOf(chunks: readonly (string | Buffer)[]): string {
  const said = chunks.filter((chunk) => typeof chunk === 'string').join('')
  const octets = chunks.reduce(
    (sum, chunk) => sum + (typeof chunk === 'string' ? 0 : chunk.length),
    0,
  )
  return octets > 0 ? `${said}[${octets} octets]\r\n` : said
}

function send(wire: Wire, chunks: readonly (string | Buffer)[], blockMs: number): void {
  const { socket } = wire
  if (wire.final) return
  socket.cork()
  for (const chunk of chunks.slice(0, -1)) socket.write(chunk, 'latin1')
  socket.write(chunks.at(-1) ?? '', 'latin1', () => {
    if (socket.writableLength > 0) return
    socket.setTimeout(0)
    startClock(wire)
  })
  socket.uncork()
  if (socket.writableLength > 0) socket.setTimeout(blockMs)
}

function nextWaiting(wire: Wire): Arrival | undefined {
  const arrival = wire.waiting.shift()
  if (arrival?.kind !== 'reply' || arrival.code !== 421) return arrival
  // RFC 5321 §3.8: the peer is gone after this, so it stands for every reply still to come.
  wire.waiting.length = 0
  wire.final = arrival
  wire.socket.destroy()
  return arrival
}

function settle(wire: Wire, arrival: Arrival): void {
  clearTimeout(wire.timer)
  wire.awaiting?.resolve(arrival)
  wire.awaiting = undefined
}

/** The end of the wire as a loss, also when its last word was a 421. */
function lost({ final }: Wire): Lost {
  if (final?.kind === 'lost') return final
  return { kind: 'lost', cause: 'closed', isConnected: true, isWriting: false }
}

function lose(wire: Wire, cause: Lost['cause'], note?: string): void {
  const { socket, isConnected } = wire
  const isWriting = socket.writableLength > 0
  if (!wire.final) wire.tap?.('end', note === undefined ? cause : `${cause}: ${note}`)
  wire.final ??= {
    kind: 'lost',
    cause,
    isConnected,
    isWriting,
    ...(note !== undefined && { note }),
  }
  socket.destroy()
  settle(wire, wire.final)
}

function startClock(wire: Wire): void {
  clearTimeout(wire.timer)
  if (!wire.awaiting || wire.socket.writableLength > 0) return
  wire.timer = setTimeout(() => lose(wire, 'timeout'), wire.awaiting.timeoutMs)
}
