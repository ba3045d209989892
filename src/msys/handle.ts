// What Lua holds of mail: objects whose content is replaced when policy edits it, and which die when the
// transaction or the session is over. A method on a dead one raises and says why: policy may keep it in a
// global, in `self` or in a timer.
import { LuaCallError } from '../lua/error.ts'
import type { Cidr } from '../config/cidr.ts'
import type { Address } from '../mail/address.ts'
import type { Context } from '../mail/context.ts'
import type { Endpoints, Message } from '../mail/message.ts'
import type { PartNode } from '../mime/tree.ts'
import type { Verdict } from './verdict.ts'

/** Whatever is userdata in Lua; `kind` chooses its class. */
export interface ApiObject {
  readonly kind: string
  /** Why it is gone; undefined while it lives. */
  gone?: string | undefined
}

/** Its content is read and changed by msys/content.ts only. */
export interface MessageHandle extends ApiObject {
  readonly kind: 'message'
  current: Message
  /** Gives the body with links and pixel in it. It cannot be changed any more. */
  sealedBody?: (() => Buffer) | undefined
  readonly isSnapshot?: true
  /** Its octets are out; context variables and status can still be set. */
  readonly isSent?: true
  /** Policy made it: its methods may be called in every callout. */
  readonly isDetached?: true
  /** The trees that Lua has parts of: one to look at, one to edit. */
  reading?: PartTree | undefined
  editing?: PartTree | undefined
}

/** The parts of a message as they are until something else changes its content. */
export interface PartTree {
  root: PartNode
  readonly isReadOnly: boolean
  /** The message does not have its edits yet. */
  isDirty: boolean
  gone?: string
}

export interface PartHandle extends ApiObject {
  readonly kind: 'part'
  readonly node: PartNode
  readonly isDetached: boolean
  owner: MessageHandle
  tree: PartTree
  /** Of msg:makePart: what it was given, and which octets of it are the content. */
  made?: { readonly bytes: Buffer; start: number; end: number }
}

/** `ac`, the accept construct: the connection as policy sees it. */
export interface Accept extends ApiObject, Endpoints {
  readonly kind: 'ac'
  readonly connectionId: string
  /** What policy changes of the reply to EHLO. */
  readonly capabilities: Capabilities
  readonly census: SessionCensus
  /** The message in hand and its counters, as they are when they are read. */
  readonly construct: MessageConstruct
}

export interface Capabilities {
  /** Whole lines. */
  readonly added: string[]
  /** Keywords, in upper case. */
  readonly removed: Set<string>
}

/** Who is connected now to the listener of a session. */
export interface SessionCensus {
  ofAddress(address: string): number
  within(block: Cidr): number
  /** On all listeners. */
  total(): number
}

/** The transaction of a session, from MAIL on. */
export interface MessageConstruct extends ApiObject {
  readonly kind: 'message_construct'
  readonly message: MessageHandle | undefined
  readonly connectionMessageCount: number
  readonly connectionRecipientCount: number
  readonly messageRecipientCount: number
  readonly maxMessageSize: number
  readonly mayRelay: boolean
  /** The command line in hand, with its line end. */
  readonly command: string
}

/** The recipients of a transaction, which policy may edit until the list is final. */
export interface Recipients {
  list: Address[]
}

/** `vctx`, the validation context of a session, or of one copy. */
export interface ValidationContext extends ApiObject {
  readonly kind: 'vctx'
  readonly context: Context
  verdict: Verdict
  /** Undefined while there is no transaction. */
  recipients?: Recipients | undefined
  /** Whether a connection variable is `true`, and not because the client set it. */
  grants?(key: string): boolean
  /** Sees what policy does to the connection dictionary; `value` undefined: deleted. */
  onConnectionVariable?(key: string, value: string | undefined): void
  /** Writes a line to paniclog. */
  panic(text: string): void
}

export function assertAlive(object: ApiObject): void {
  if (object.gone) throw new LuaCallError(`${object.kind} is gone (${object.gone})`)
}
