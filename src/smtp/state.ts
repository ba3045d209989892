// What one SMTP session knows: plain data that the commands, the reception and the log lines share.
import type { ListenerOptions } from '../config/config.ts'
import type { Journal } from '../events/journal.ts'
import type { Address } from '../mail/address.ts'
import type { Context } from '../mail/context.ts'
import type { Notify } from '../mail/envelope.ts'
import type { Eventually } from '../mail/eventually.ts'
import type { Ids } from '../mail/ids.ts'
import type { Field } from '../mime/field.ts'
import type { Reply } from '../mail/reply.ts'
import type {
  Accept,
  MessageHandle,
  Recipients,
  SessionCensus,
  ValidationContext,
} from '../msys/handle.ts'
import type { Injection, Sending } from '../msys/runtime.ts'
import type { Policy } from '../policy/policy.ts'
import type { PolicySession } from '../policy/session.ts'
import type { Peer, Received, TlsFacts } from './conversation.ts'
import type { Watcher } from './watcher.ts'

/** What is set in the message's dictionary, and fields that go on top of its header. */
export type SenderCheck = (sender: {
  readonly mailfrom: string
  readonly helo: string
  readonly address: string
}) => Promise<{ readonly key: string; readonly value: string; readonly fields: readonly Field[] }>

/** What a session needs of its surroundings. */
export interface SessionSurroundings {
  /** The server's name in greetings and trace headers. */
  readonly hostname: string
  readonly version: string
  /** Those of the client's present address. */
  readonly options: ListenerOptions
  /** The client has other addresses from now on; a reply when there is no room for it there. */
  adopt(peer: Peer): Reply | undefined
  readonly policy: Policy
  /** Whether a reload has replaced the configuration that this session began with. */
  isReplaced(): boolean
  readonly journal: Journal
  readonly ids: Ids
  readonly census: SessionCensus
  /** Looks at who sends, before policy does; undefined: nobody wants that. Never fails. */
  readonly checkSender?: SenderCheck | undefined
  /** Signs a copy as the configuration says, when policy is done with it but for its very last word. */
  readonly signCopy?: ((msg: MessageHandle) => void) | undefined
  /** Epoch milliseconds. */
  now(): number
  /** Resolves after that time; a session waits for a tarpit with it. */
  delay(ms: number): Promise<void>
  /** Whether another message may be taken into memory. */
  hasRoom(): boolean
  /** So many octets of this session's message are in memory now; false: those are too many. */
  hold(octets: number): boolean
  /** Why no mail can be taken now (the spool failed, the disk is full); undefined: it can. */
  unavailable(): Reply | undefined
  /** The final dot. */
  receive(session: Session, transaction: Transaction, received: Received): Eventually<Reply>
  /** Queues a message that policy sends outside of a transaction, or gives the reason why not. */
  send(session: Session, injection: Injection): Eventually<string | undefined>
  /** Looks on. */
  readonly watcher?: Watcher | undefined
}

export interface Session {
  /** XREMOTEIP and XCLIENT change it. */
  peer: Peer
  readonly surroundings: SessionSurroundings
  readonly connectionId: string
  readonly policy: PolicySession
  readonly ac: Accept
  readonly context: Context
  readonly vctx: ValidationContext
  /** For callouts outside of a transaction. */
  readonly sending: Sending
  /** Names that XSETCONTEXT set and policy has not: reserved ones among them grant nothing. */
  readonly injected: Set<string>
  /** The command line in hand, with its line end. */
  command: string
  hello?: { readonly verb: 'EHLO' | 'HELO'; readonly domain: string }
  /** Policy refused the connection without ending it: every command but QUIT is out of order. */
  isRefused: boolean
  transaction?: Transaction | undefined
  /** Undefined while the connection is in clear. */
  tls?: TlsFacts
  isAuthenticated: boolean
  /** The sender of the message in hand is one that may relay. */
  relaysSender: boolean
  authFailures: number
  messageCount: number
  recipientCount: number
  /** Octets of its last message. */
  lastSize: number
}

export interface Transaction {
  readonly mailfrom: Address
  readonly parameters: ReadonlyMap<string, string | true>
  /** The message that RCPT callouts see and that becomes the received one. */
  readonly msg: MessageHandle
  readonly recipients: Recipients
  /** By address. */
  readonly notify: Map<string, Notify>
  /** What was found out about the sender, to go on top of the header. */
  senderFields?: readonly Field[]
}
