// The two tables that Momentum serves through the metatable of _G: `_TLS`, one for each session, and
// `_OSTLS`, one for each thread of the operating system, of which a state has one.

import { setNative } from '../binding.ts'
import { currentCall } from '../call.ts'
import { argumentAt, textIn, type NativeFunction, type Table } from '../engine.ts'
import { emptyTable, tableHandle, toLua } from '../value.ts'
import type { LuaTable, LuaValue } from '../value.ts'

/** Gives _G its metatable. What a call shares with the others of its session comes with the call. */
export function serveLocals(globals: Table): void {
  const ofState = tableHandle(emptyTable())
  const index: NativeFunction = (L) => {
    L.stack[L.top++] = toLua(valueOf(textIn(argumentAt(L, 2)), ofState))
    return 1
  }
  const metatable = emptyTable()
  setNative(metatable, '__index', index)
  globals.metatable = metatable
}

function valueOf(name: string | undefined, ofState: LuaTable): LuaValue {
  if (name === '_OSTLS') return ofState
  if (name !== '_TLS') return undefined
  const call = currentCall()
  return call && (call.locals ??= tableHandle(emptyTable()))
}
