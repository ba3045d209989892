// Dialogues on sockets: the one file that knows smtp-server's internals (3.21.6, pinned). The library
// accepts, keeps sockets, paces input, half-closes and speaks TLS; octets, replies and deadlines
// are the dialogue's. No override may touch a field before the library's constructor has returned.
/* oxlint-disable no-underscore-dangle -- so are the members of smtp-server that we override */
import type { Socket } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js'
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import { type Reply, replyTo } from '../mail/reply.ts'
import type { TlsOptions } from '../config/tls.ts'
import type { Conversation, Peer } from './conversation.ts'
import { acceptDirectly, readDirectly } from './directsocket.ts'
import { openProxyGate, type ProxyGate } from './proxygate.ts'
import { tlsFacts } from './tlsfacts.ts'
import { refusing, SHUTTING_DOWN, TOO_MANY_SESSIONS } from './refusal.ts'
import type { Control, ServerSettings } from './control.ts'
import { type Dialogue, openDialogue } from './dialogue.ts'
import type { DialogueSettings } from './dialoguestate.ts'

/** The time a client that was dismissed has to read why and to close its side. */
const LINGER_MS = 1_000
const HANDSHAKE_MS = 30_000

/** Accepts connections and gives each a Conversation. */
export class SmtpServer extends SMTPServer {
  readonly #settings: ServerSettings
  /** Also those that only wait for the client to close its side. */
  readonly #open = new Set<SmtpConnection>()
  #isClosing = false

  constructor(settings: ServerSettings) {
    super({
      name: 'unused',
      noDelay: true,
      // A client may send all it has to say, close its side and then read the replies.
      allowHalfOpen: true,
      logger: false,
      disabledCommands: ['AUTH', 'STARTTLS'],
    })
    this.#settings = settings
    // Name and id would be looked up and made up for every connection.
    acceptDirectly(this.server, (socket) => this.connect(socket, { id: 'unused' }))
  }

  override connect(socket: Socket, options?: SMTPConnectionOptions | null): void {
    // Reset before we came to it: there will be no further event.
    if (socket.destroyed) return
    const connection = new SmtpConnection(this, socket, options)
    const isFull = this.#settings.maxSessions > 0 && this.sessions >= this.#settings.maxSessions
    this.connections.add(connection)
    this.#open.add(connection)
    socket.once('close', () => this.#open.delete(connection))
    const refusal = this.#isClosing ? SHUTTING_DOWN : isFull ? TOO_MANY_SESSIONS : undefined
    if (refusal) return connection.start(refusing(refusal), this.#settings)
    const { localAddress, localPort, remoteAddress, remotePort } = connection
    const own: Peer = { localAddress, localPort, remoteAddress, remotePort }
    const proxySeconds = this.#settings.proxySeconds?.(remoteAddress)
    const begin = (peer = own): void =>
      connection.start(this.#converse(connection, peer), this.#settings)
    if (proxySeconds === undefined) begin()
    else connection.awaitProxyHeader(proxySeconds * 1_000, begin)
  }

  get sessions(): number {
    return this.connections.size
  }

  /** Rejects when the address cannot be bound. */
  async bind(host: string, port: number): Promise<{ host: string; port: number }> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen({ host, port }, () => {
        this.server.off('error', reject)
        resolve()
      })
    })
    const bound = this.server.address()
    if (bound === null || typeof bound === 'string') throw new Error('listening on no TCP address')
    return { host: bound.address, port: bound.port }
  }

  /** Idle sessions get 421 at once, others after their command; none outlives the grace. */
  async drain(graceMs: number): Promise<void> {
    this.#isClosing = true
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve())
    })
    for (const connection of this.#open) connection.dismiss(SHUTTING_DOWN, LINGER_MS)
    const end = setTimeout(() => {
      for (const connection of this.#open) connection.destroy()
    }, graceMs)
    await closed
    clearTimeout(end)
  }

  // Accepting failed (EMFILE …): the next one may succeed. The library would raise it.
  override _onError(error: Error): void {
    if (this.server.listening) this.#settings.report(error)
  }

  #converse(connection: SmtpConnection, peer: Peer): Conversation {
    const control: Control = {
      close: (reply = SHUTTING_DOWN) => connection.dismiss(reply),
      setIdleSeconds: (seconds) => connection.setIdleSeconds(seconds),
    }
    try {
      return this.#settings.converse(peer, control)
    } catch (error) {
      this.#settings.report(error)
      return refusing({ ...replyTo(error), code: 421, close: true })
    }
  }
}

export class SmtpConnection extends SMTPConnection {
  #dialogue: Dialogue | undefined
  #closed: ((aborted: boolean) => void) | undefined
  #idleSeconds: number | undefined
  #isEndedByUs = false
  #gate: ProxyGate | undefined
  #lingerMs: number | undefined
  #lingerTimer: NodeJS.Timeout | undefined
  #handshakeTimer: NodeJS.Timeout | undefined

  start(conversation: Conversation, settings: DialogueSettings): void {
    const wire = {
      write: (replies: string) => !this._socket.writable || this._socket.write(replies, 'latin1'),
      end: () => this.close(),
      startTls: (options: TlsOptions, resume: () => void) => this.#startTls(options, resume),
      abort: () => this.destroy(),
    }
    const idleSeconds = this.#idleSeconds ?? settings.idleSeconds
    this.#dialogue = openDialogue(conversation, wire, { ...settings, idleSeconds })
    this.#closed = (aborted) => {
      try {
        conversation.closed(aborted)
      } catch (error) {
        settings.report(error)
      }
    }
    if (this.#gate) this.#greet()
    else this.init()
  }

  /** `begin` starts the session once the header is whole; without a good one the connection ends. */
  awaitProxyHeader(timeoutMs: number, begin: (peer: Peer | undefined) => void): void {
    this.#gate = openProxyGate(timeoutMs, begin, () => this.destroy())
    this.init()
  }

  /** `lingerMs`: the time the client has to close its side, instead of the library's 5 seconds. */
  dismiss(reply: Reply, lingerMs?: number): void {
    this.#lingerMs = lingerMs
    if (this._closing) this.#linger()
    else this.#dialogue?.dismiss(reply)
  }

  setIdleSeconds(seconds: number): void {
    this.#idleSeconds = seconds
    this.#dialogue?.setIdleSeconds(seconds)
  }

  destroy(): void {
    this.#isEndedByUs = true
    this._socket.destroy()
  }

  /** Greets at once: no delay, no reverse DNS. */
  override init(): void {
    if (this._parser instanceof Input) readDirectly(this._socket, this._parser)
    this._setListeners(() => {
      if (!this.#gate) this.#greet()
    })
  }

  /** We end the connection; what was said before is written. */
  override close(): void {
    if (!this._closing && !this._closed) this.#isEndedByUs = true
    super.close()
    this.#linger()
  }

  /** What the library itself wants to say. */
  override send(code: number, data?: string | string[] | null): void {
    const text = Array.isArray(data) ? data.join('\n') : (data ?? '')
    this.dismiss({ code, text })
  }

  // The library calls this in its constructor, and again for the TLS session after STARTTLS.
  override _createParser(): SMTPStream {
    return new Input(
      (chunk, more) => {
        if (this.#gate) this.#takeHeader(this.#gate, chunk, more)
        else this.#dialogue?.take(chunk, more)
      },
      () => this.#hangUp(),
    )
  }

  // The deadlines are the dialogue's: the socket's own are put off by any single octet.
  override _armTimeout(): void {}

  // `_onClose` follows: Node destroys the socket. The library would raise the error again.
  override _onError(): void {}

  override _onClose(): void {
    super._onClose()
    this.#dialogue?.stop()
    clearTimeout(this.#lingerTimer)
    this.#gate?.close()
    clearTimeout(this.#handshakeTimer)
    const closed = this.#closed
    this.#closed = undefined
    closed?.(!this.#isEndedByUs)
  }

  #greet(): void {
    this._socket.on('drain', () => this.#dialogue?.drained())
    this.#dialogue?.greet()
  }

  #takeHeader(gate: ProxyGate, chunk: Buffer, more: () => void): void {
    const rest = gate.take(chunk)
    if (!rest) return more()
    this.#gate = undefined
    this.#dialogue?.take(rest, more)
  }

  // The library takes the context from its server, where the next connection may need another one.
  #startTls(options: TlsOptions, resume: () => void): void {
    const server = this._server
    const requested = { requestCert: options.asksForCertificate, rejectUnauthorized: false }
    this._server = Object.assign(Object.create(server) as typeof server, {
      secureContext: new Map([['*', options.context]]),
      options: { ...server.options, ...requested },
    })
    this.#handshakeTimer = setTimeout(() => this.destroy(), HANDSHAKE_MS)
    try {
      this.upgrade(resume, () => {
        clearTimeout(this.#handshakeTimer)
        this._socket.on('drain', () => this.#dialogue?.drained())
        this.#dialogue?.secured(tlsFacts(this._socket))
      })
    } finally {
      this._server = server
    }
  }

  /** The client closed its side; all it sent has been answered. */
  #hangUp(): void {
    this.#dialogue?.stop()
    super.close()
  }

  #linger(): void {
    if (this.#lingerMs === undefined || this.#lingerTimer) return
    this.#lingerTimer = setTimeout(() => this._socket.destroy(), this.#lingerMs)
  }
}

/** Hands what the socket is piped into to the dialogue; the pipe pauses the socket when it waits. */
class Input extends SMTPStream {
  readonly #take: (chunk: Buffer, more: () => void) => void
  readonly #end: () => void
  /** The dialogue is at work on octets that did not come through the stream. */
  #isBusy = false
  #next: (() => void) | undefined

  constructor(take: (chunk: Buffer, more: () => void) => void, end: () => void) {
    super()
    this.#take = take
    this.#end = end
  }

  /** Octets past the stream, to be looked at until this returns. False: no more until `drain`. */
  takeDirectly(octets: Buffer): boolean {
    if (this.isClosed) return true
    if (this.#isBusy || this.writableLength > 0) return this.write(Buffer.from(octets))
    this.#isBusy = true
    this.#take(octets, () => {
      this.#isBusy = false
      this.#next?.()
      this.#next = undefined
    })
    return true
  }

  override _write(chunk: Buffer, encoding: BufferEncoding | 'buffer', next: () => void): void {
    if (this.isClosed) next()
    else if (this.#isBusy) this.#next = () => this._write(chunk, encoding, next)
    else this.#take(chunk, next)
  }

  // The client closed its side. The library would run an unfinished line as a command.
  override _flushData(): void {
    if (this.isClosed) return
    if (this.#isBusy) this.#next = () => this._flushData()
    else this.#end()
  }
}
