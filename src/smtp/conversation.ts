// What a connection (sockets, lines, the DATA scanner) asks of a session (state and policy), and nothing
// more: the session is tested through this, without sockets. A method that need not wait returns its
// reply directly; the connection must not put a promise on that path.
import type { Eventually } from '../mail/eventually.ts'
import type { TlsOptions } from '../config/tls.ts'
import type { Endpoints } from '../mail/message.ts'
import type { Reply } from '../mail/reply.ts'

/** One complete command line. Byte strings. */
export interface Command {
  /** Upper case, e.g. `MAIL`. */
  readonly verb: string
  /** What follows the verb, blanks around it removed. */
  readonly argument: string
  /** The line as received, without its line ending. */
  readonly line: string
  /** Of STARTTLS: whether more octets had come behind the line. */
  readonly isPipelined?: boolean
}

/** A reply, and what the connection does next. */
export interface Answer extends Reply {
  /** The handshake; or the next line is no command but goes to this function. */
  readonly next?: { readonly tls: TlsOptions } | ((line: string) => Eventually<Answer>)
}

/** What a handshake came to. Byte strings. */
export interface TlsFacts {
  /** As `TLSv1.3`. */
  readonly version: string
  readonly cipher: string
  /** Bits of the key. */
  readonly bits: number
  /** Undefined when the client showed no certificate. */
  readonly peer: PeerCertificate | undefined
}

export interface PeerCertificate {
  readonly isVerified: boolean
  /** `/C=US/O=Example/CN=name` */
  readonly subject: string
  readonly subjectName: string
  readonly issuer: string
  readonly issuerName: string
}

/** How the octets after 354 are read. */
export interface DataLimits {
  /** Octets after un-stuffing; 0: no limit. Reading goes on to the final dot, but nothing is kept. */
  readonly maxMessageSize: number
  /** Octets that the client announced, or that its last message had; 0: unknown. Only memory is laid out by it. */
  readonly expected?: number
  /** What a CR or LF that stands alone becomes: CRLF, or the reason to refuse the message. */
  readonly loneLineEnds: 'fix' | 'refuse'
  /** Told how many octets of the message are kept so far; false: that is too many, keep none. */
  readonly hold?: (octets: number) => boolean
}

export type Received =
  | { readonly kind: 'message'; readonly bytes: Buffer }
  | { readonly kind: 'too large' }
  | { readonly kind: 'lone line end' }
  | { readonly kind: 'no room' }

export interface Conversation {
  /** TLS comes before the greeting. */
  readonly implicitTls?: TlsOptions | undefined
  /** The greeting (220), or what refuses the connection. */
  greet(): Eventually<Reply>
  /** Any command but DATA; unknown verbs too. `close` in the reply ends the connection. */
  command(command: Command): Eventually<Answer>
  /** TLS is in use from now on; what the client said before counts for nothing. A reply refuses it. */
  secured(facts: TlsFacts): Eventually<Reply | undefined>
  /** DATA: the limits to read with after 354, or the refusal. */
  data(command: Command): DataLimits | Reply
  /** The final dot. */
  received(received: Received): Eventually<Reply>
  /** The connection could not keep to the protocol (line too long, idle too long …). */
  violation(reply: Reply): void
  /** Exactly once, however the connection ended; `aborted`: without QUIT and without our closing it. */
  closed(aborted: boolean): void
}

export type Peer = Endpoints
