// The table functions of 5.1 that later versions dropped and that call nothing back.

import {
  NIL,
  NUMBER,
  TABLE,
  argumentAt,
  lauxlib,
  ltable,
  tableIn,
  type NativeFunction,
  type Table,
  type Thread,
} from '../engine.ts'
import { raise } from '../raise.ts'
import { emptyTable, toLua } from '../value.ts'

export const TABLE_FUNCTIONS: Readonly<Record<string, NativeFunction>> = {
  getn(L) {
    const length = ltable.luaH_getn(tableArgument(L))
    L.stack[L.top++] = toLua(length)
    return 1
  },
  setn(L) {
    tableArgument(L)
    return raise(L, "'setn' is obsolete")
  },
  /** The largest number among the keys, which may be a fraction; 0 where there is none. */
  maxn(L) {
    const table = tableArgument(L)
    let highest = table.array.findLastIndex((slot) => slot.type !== NIL) + 1
    for (let entry = table.f; entry !== undefined; entry = entry.n) {
      if (entry.key.type === NUMBER && entry.key.value > highest) highest = entry.key.value
    }
    L.stack[L.top++] = toLua(highest)
    return 1
  },
}

function tableArgument(L: Thread): Table {
  lauxlib.luaL_checktype(L, 1, TABLE)
  return tableIn(argumentAt(L, 1)) ?? emptyTable()
}
