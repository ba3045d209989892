// What the functions of the API reach beyond their arguments: the callout that runs now, the policy that
// is being loaded, the logs.
import type { Bindings } from '../config/bindings.ts'
import type { Live } from '../config/live.ts'
import type { HostResult } from '../lua/binding.ts'
import type { Call } from '../lua/call.ts'
import type { LuaState } from '../lua/state.ts'
import type { LuaFunction, LuaTable, LuaUserdata, LuaValue } from '../lua/value.ts'
import type { Address } from '../mail/address.ts'
import type { Eventually } from '../mail/eventually.ts'
import type { Message } from '../mail/message.ts'
import type { Outside } from '../outside/outside.ts'
import type { Accept, ApiObject, MessageHandle, ValidationContext } from './handle.ts'
import type { CidrTables } from './cidr/store.ts'
import type { ConfiguredSigning } from './dkimstanza.ts'
import type { SharedState } from './shared/state.ts'
import type { Datasources } from './db/datasources.ts'
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
export type ExtraValue = number | string | ApiObject | ReadonlyMap<string, LuaValue> | undefined

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
  /** Of a callout that is traced. */
  readonly notes?: CalloutNotes
}

/** What is noted of a callout while it runs. */
export interface CalloutNotes {
  /** Lines that it prints and logs. */
  readonly prints: string[]
  readonly outside: OutsideNote[]
  result: string
}

/** Something that was asked of the world: DNS, HTTP, a database, a file. */
export interface OutsideNote {
  readonly service: string
  /** `MX example.com`, `GET https://…` */
  readonly request: string
  readonly answer: string
  readonly ms: number
}

/** What a policy lends to its bindings. */
export interface Services {
  registerModule(name: string, callouts: LuaTable): void
  registerAuth(scheme: string, handlers: LuaTable): void
  registerControl(prefix: string, handler: LuaFunction): void
  registerEndpoint(method: string | undefined, path: string, handler: LuaFunction): void
  /** Undefined while scripts load. */
  callSite(): CallSite | undefined
  /** Sends where there is no session; undefined until the server runs, and where there is none. */
  standing(): Sending | undefined
  /** The egresses that there are. */
  readonly bindings: Bindings
  /** What is counted and kept beyond a session. */
  readonly shared: SharedState
  /** Options of the configuration by their names. */
  readonly options: Live
  /** What the configuration says of signatures; undefined: nothing. */
  readonly signing: ConfiguredSigning | undefined
  /** Epoch milliseconds. */
  nowMs(): number
  /** What policy reaches beyond the server. */
  readonly outside: Outside
  readonly datasources: Datasources
  /** Those of a policy by their names. */
  readonly cidrTables: CidrTables
  /** A file that scripts may read; paths are byte strings. */
  readFile(
    path: string,
  ):
    | { readonly kind: 'read'; readonly source: Buffer }
    | { readonly kind: 'failed'; readonly text: string }
  readonly background: Background
  readonly locks: Locks
  /** Writes a line to paniclog. */
  panic(text: string): void
  /** A script used what does not exist here. */
  onUnsupported?(name: string): void
}

/** What runs beside callouts. */
export interface Background {
  /** Does it so much later, unless the function that is returned is called before, or the policy ends. */
  after(delayMs: number, work: () => void): () => void
  /** Runs a function of policy on its own. Never fails. */
  run(label: string, closure: LuaFunction): Promise<void>
  /** Runs functions of policy, one after the other, when the call that runs now has ended by itself. */
  afterCall(label: string, closures: readonly LuaFunction[]): void
}

/** Locks by name, for a call until it ends. Each taking has a number that is larger than those before it. */
export interface Locks {
  /** Takes it at once; undefined: that is not possible. Raises when the call has it already. */
  take(name: string, call: Call): number | undefined
  /** Never settles when the call ends before. Rejects where it cannot be had. */
  wait(name: string, call: Call): Promise<number>
  /** Raises when the call does not have it; rejects when it was lost before. */
  give(name: string, call: Call): Promise<void> | undefined
}

export interface Runtime extends Services {
  /** A function of the host as a value, such as an iterator. */
  readonly newFunction: LuaState['newFunction']
  /** Calls a function of policy. */
  readonly call: LuaState['call']
  /** Calls a function of policy as Lua's pcall does. */
  protectedCall(run: LuaFunction): HostResult
  /** The methods of a class by its name; undefined when there is no such class. */
  methodsOf(className: string): LuaTable | undefined
  /** The class of an object; undefined for any other value. */
  classOf(value: LuaValue): string | undefined
  /** An empty table; keys that it lacks are looked up in `index`, or given by it. */
  newTable(index?: LuaTable | LuaFunction): LuaTable
  /** The userdata of an object; the same one for the same object. */
  wrap<T extends ApiObject>(object: T): LuaUserdata
}
