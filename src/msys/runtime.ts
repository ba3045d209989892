// What the functions of the API reach beyond their arguments: the callout that runs now, the policy that
// is being loaded, the logs.
import type { Bindings } from '../config/bindings.ts'
import type { LuaState } from '../lua/state.ts'
import type { LuaFunction, LuaTable, LuaUserdata, LuaValue } from '../lua/value.ts'
import type { Address } from '../mail/address.ts'
import type { Eventually } from '../mail/eventually.ts'
import type { Message } from '../mail/message.ts'
import type { Accept, ApiObject, MessageHandle, ValidationContext } from './handle.ts'
import type { SharedState } from './shared/state.ts'
import type { Stage } from './stage.ts'

/** What the callouts of one phase are about; each gets the arguments that its row of the table names. */
export interface Subject {
  readonly vctx: ValidationContext
  readonly ac: Accept
  readonly msg?: MessageHandle
  /** The whole command line of EHLO, MAIL or RCPT. Byte string. */
  readonly str?: string
  /** Undefined where policy cannot send. */
  readonly sending?: Sending
  /** Further arguments of hooks, by their names in the table of phases. */
  readonly extra?: Readonly<Record<string, ExtraValue>>
}

/** A string object is there to be filled. A Map becomes a table. */
export type ExtraValue = number | string | ApiObject | ReadonlyMap<string, string> | undefined

/** What policy needs to send messages of its own. */
export interface Sending {
  readonly hostname: string
  newId(): string
  /**
   * Queues it, or gives the reason why not. A promise: it is durable when that resolves; else it becomes so
   * with the message in hand.
   */
  inject(injection: Injection): Eventually<string | undefined>
}

/** A message that policy sends, as it is now. */
export interface Injection {
  readonly message: Message
  readonly mailfrom: Address
  readonly recipients: readonly Address[]
}

/** The callout that runs now: it goes with the call through suspensions and the script's coroutines. */
export interface CallSite {
  readonly callout: string
  readonly stage: Stage
  readonly moduleName: string
  /** Not there for callouts that are about no mail. */
  readonly subject?: Subject
  /** Where `print` goes; paniclog unless given. */
  readonly print?: (text: string) => void
}

/** What a policy lends to its bindings. */
export interface Services {
  registerModule(name: string, callouts: LuaTable): void
  registerAuth(scheme: string, handlers: LuaTable): void
  registerControl(prefix: string, handler: LuaFunction): void
  /** Undefined while scripts load. */
  callSite(): CallSite | undefined
  /** The egresses that there are. */
  readonly bindings: Bindings
  /** What is counted and kept beyond a session. */
  readonly shared: SharedState
  /** Epoch milliseconds. */
  nowMs(): number
  /** A file that scripts may read; paths are byte strings. */
  readFile(
    path: string,
  ):
    | { readonly kind: 'read'; readonly source: Buffer }
    | { readonly kind: 'failed'; readonly text: string }
  /** Writes a line to paniclog. */
  panic(text: string): void
  /** A script used what does not exist here. */
  onUnsupported?(name: string): void
}

export interface Runtime extends Services {
  /** A function of the host as a value, such as an iterator. */
  readonly newFunction: LuaState['newFunction']
  /** Calls a function of policy. */
  readonly call: LuaState['call']
  /** The methods of a class by its name; undefined when there is no such class. */
  methodsOf(className: string): LuaTable | undefined
  /** The class of an object; undefined for any other value. */
  classOf(value: LuaValue): string | undefined
  /** An empty table; keys that it lacks are looked up in `index`. */
  newTable(index?: LuaTable): LuaTable
  /** The userdata of an object; the same one for the same object. */
  wrap<T extends ApiObject>(object: T): LuaUserdata
}
