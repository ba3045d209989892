// What a loaded policy is made of, as its sessions use it.
import type { Context } from '../mail/context.ts'
import type { Eventually } from '../mail/eventually.ts'
import type { Budget } from '../lua/budget.ts'
import type { LuaState } from '../lua/state.ts'
import type { MsysObjects } from '../msys/install.ts'
import type { Callouts, Registration } from './module.ts'
import type { Script } from './scriptlet.ts'

export interface PolicyOptions {
  /** In stanza order, which is the order of their callouts. */
  readonly scripts: readonly Script[]
  /** Folders for scripts and `require`, in order. */
  readonly roots: readonly string[]
  readonly budget: Budget
  /** What a callout that returns nothing does to its command. */
  readonly onBadReturn: 'continue' | 'tempfail'
  /** Writes a line to paniclog: where it comes from, and the text. */
  panic(origin: string, text: string): void
}

/** A loaded policy as its sessions use it. */
export interface Loaded {
  readonly state: LuaState
  readonly objects: MsysObjects
  readonly registrations: readonly Registration[]
  readonly callouts: Callouts
  readonly options: PolicyOptions
  /** Runs `call` while `context` is what `msys.expandMacro` sees. */
  withContext<T>(context: Context | undefined, call: () => Eventually<T>): Eventually<T>
}
