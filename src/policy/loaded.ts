// What a loaded policy is made of, as its sessions use it.
import type { Bindings } from '../config/bindings.ts'
import type { Live } from '../config/live.ts'
import type { DatasourceOptions } from '../config/datasources.ts'
import type { Budget } from '../lua/budget.ts'
import { currentCall } from '../lua/call.ts'
import type { LuaState, StateOptions } from '../lua/state.ts'
import type { ConfiguredSigning } from '../msys/dkimstanza.ts'
import type { Wrap } from '../msys/install.ts'
import type { CallSite, Locks } from '../msys/runtime.ts'
import type { Outside } from '../outside/outside.ts'
import type { SharedState } from '../msys/shared/state.ts'
import type { AuthSchemes } from './authentication.ts'
import type { CalloutMeter } from './meter.ts'
import type { Callouts, Registration } from './module.ts'
import type { CalloutName } from './phases.ts'
import type { Script } from './scriptlet.ts'
import type { Tracer } from './trace.ts'

export interface PolicyOptions {
  /** In stanza order, which is the order of their callouts. */
  readonly scripts: readonly Script[]
  /** Folders for scripts and `require`, in order. */
  readonly roots: readonly string[]
  /** What scripts may read beside that; the default is files in the folders of scripts. */
  readonly files?: Pick<StateOptions, 'fileRoots' | 'pathMap' | 'environment'>
  readonly budget: Budget
  /** Without them there is the default one. */
  readonly bindings?: Bindings
  /** What policy counts and keeps beyond a session; its own unless given. */
  readonly shared?: SharedState
  /** Those of `msys.lock`; its own unless given. */
  readonly locks?: Locks
  /** Options by their names; none unless given. */
  readonly live?: Live
  /** What the configuration says of signatures. */
  readonly signing?: ConfiguredSigning | undefined
  /** What `msys.db` asks; none unless given. */
  readonly datasources?: readonly DatasourceOptions[]
  /** What a callout that returns nothing does to its command. */
  readonly onBadReturn: 'continue' | 'tempfail'
  /** Sees what callouts do, if it wants to. */
  readonly tracer?: Tracer | undefined
  /** What policy reaches beyond the server; nothing unless given. */
  readonly outside?: Outside
  /** Writes a line to paniclog: where it comes from, and the text. */
  panic(origin: string, text: string): void
  /** Asked once for each callout of each module. */
  readonly meterOf?: (callout: CalloutName, moduleName: string) => CalloutMeter
  /** A script called what does not exist here. */
  readonly onUnsupported?: (name: string) => void
}

/** A loaded policy as its sessions use it. */
export interface Loaded {
  readonly state: LuaState
  readonly wrap: Wrap
  readonly registrations: readonly Registration[]
  readonly callouts: Callouts
  readonly authSchemes: AuthSchemes
  readonly options: PolicyOptions
}

/** The callout that runs now; undefined while the top level of a script does, and outside of Lua. */
export function currentCallout(): CallSite | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the room gives its calls no other context
  return currentCall()?.context as CallSite | undefined
}
