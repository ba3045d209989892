// A Lua state: globals, modules and classes of the host, chunks, and calls. States share nothing; one
// state runs any number of suspended calls side by side, each in a coroutine of its own.

import { performance } from 'node:perf_hooks'
import {
  bindClass,
  bindFunction,
  type ClassDefinition,
  type HostFunction,
  type InternalError,
  type LuaClass,
} from './binding.ts'
import type { Budget } from './budget.ts'
import {
  NATIVE,
  NIL,
  TABLE,
  argumentAt,
  byteString,
  fieldOf,
  lauxlib,
  lobject,
  lua,
  pop,
  setField,
  tableIn,
  type TValue,
  type Table,
  type Thread,
} from './engine.ts'
import { LuaError } from './error.ts'
import { allowFiles } from './files.ts'
import { compileFile, forgetFields, globalsOf } from './chunk.ts'
import {
  fileLoader,
  fileSearcher,
  loadPrelude,
  openLibraries,
  type LibraryOptions,
} from './library/open.ts'
import { lineWriter } from './library/writer.ts'
import type { CallOptions } from './call.ts'
import { callFunction, type Caller } from './run.ts'
import { emptyTable, fromLua, isHandle, tableHandle, toLua } from './value.ts'
import type { LuaFunction, LuaTable, LuaValue } from './value.ts'

export interface StateOptions {
  /** Where `print` goes, a line without its end. */
  readonly print: (text: string) => void
  /** Advice about a script, "file:line: text", each once. */
  readonly warn: (text: string) => void
  /** Folders below which `require` finds a/b.lua. */
  readonly roots: readonly string[]
  /** Folders below which `io` reads; the same ones unless given. */
  readonly fileRoots?: readonly string[]
  /** Folders and files as scripts name them, and where they are; readable like the roots. */
  readonly pathMap?: ReadonlyMap<string, string>
  /** The environment variables that os.getenv shows. */
  readonly environment?: readonly string[]
  /** What a call may use that is given no budget of its own. */
  readonly budget: Budget
  /** Epoch milliseconds for os.time and os.date. */
  readonly now?: () => number
  /** For math.random until a script sets a seed: from 0 to 1, 1 excluded. */
  readonly random?: () => number
  /** Milliseconds of a clock that never steps, for the budget. */
  readonly clock?: () => number
  /** Told of every error of a host function that is no LuaCallError. */
  readonly onInternalError?: (error: unknown, name: string) => void
}

export interface ModuleOptions {
  /** Called for a key that the module does not have; may throw LuaCallError. */
  readonly missing?: (key: string) => LuaValue
}

export interface LuaState {
  readonly defineClass: <T extends object>(definition: ClassDefinition<T>) => LuaClass<T>
  /** A module, both a global under its dotted name and the result of `require`. Adds to one that is there. */
  readonly defineModule: (
    name: string,
    members: Readonly<Record<string, HostFunction | LuaValue>>,
    options?: ModuleOptions,
  ) => LuaTable
  readonly setGlobal: (name: string, value: LuaValue | HostFunction) => void
  readonly getGlobal: (name: string) => LuaValue
  /** Compiles a chunk. Throws a LuaError of kind syntax. */
  readonly load: (source: Buffer, chunkName: string) => LuaFunction
  /** An empty table; keys that it lacks are looked up in `index`, or given by it. */
  readonly newTable: (index?: LuaTable | LuaFunction) => LuaTable
  /** A function of the host as a value, such as an iterator. */
  readonly newFunction: (name: string, call: HostFunction) => LuaFunction
  /** Calls a function; a promise comes back only if something suspended it. Throws LuaError. */
  readonly call: (
    fn: LuaFunction,
    args: readonly LuaValue[],
    options?: CallOptions,
  ) => readonly LuaValue[] | Promise<readonly LuaValue[]>
  /** Rejects all suspended calls. The state is not used afterwards. */
  readonly close: () => void
}

/** A new state with the dialect's libraries and nothing of the host's. */
export function openState(options: StateOptions): LuaState {
  const main = lauxlib.luaL_newstate()
  const report = options.onInternalError ?? (() => {})
  lua.lua_atnativeerror(main, nativeError(report))
  openLibraries(main, libraryOptions(options, report))
  const caller: Caller = {
    main,
    budget: options.budget,
    clock: options.clock ?? (() => performance.now()),
    suspended: new Set(),
  }
  const globals = globalsOf(main)
  runPrelude(caller, options)
  const valueOf = (name: string, value: HostFunction | LuaValue): TValue =>
    typeof value === 'function'
      ? new lobject.TValue(NATIVE, bindFunction(name, value, report))
      : toLua(value)

  return {
    defineClass: (definition) => bindClass(definition, report),
    defineModule(name, members, { missing } = {}) {
      const table = moduleTable(globals, name)
      for (const [key, value] of Object.entries(members)) {
        setField(table, key, valueOf(`${name}.${key}`, value))
      }
      if (missing !== undefined) {
        const index = bindFunction(
          `${name}.__index`,
          (_, key) => (typeof key === 'string' ? missing(key) : undefined),
          report,
        )
        table.metatable = metatable('__index', new lobject.TValue(NATIVE, index))
      }
      return tableHandle(table)
    },
    setGlobal: (name, value) => setField(globals, name, valueOf(name, value)),
    getGlobal: (name) => fromLua(fieldOf(globals, name)),
    load(source, chunkName) {
      const problem = compileFile(main, source, `@${chunkName}`)
      if (problem !== undefined) throw new LuaError('syntax', problem)
      return popFunction(main)
    },
    newTable(index) {
      const table = emptyTable()
      if (index !== undefined) table.metatable = inheriting(index)
      return tableHandle(table)
    },
    newFunction: (name, call) => functionIn(valueOf(name, call)),
    call: (fn, args, callOptions) => callFunction(caller, fn, args, callOptions),
    close() {
      for (const end of caller.suspended) end('closed')
      forgetFields()
    },
  }
}

function libraryOptions(options: StateOptions, report: InternalError): LibraryOptions {
  const { roots, fileRoots = roots, pathMap, environment = [] } = options
  return {
    print: (text) => options.print(text),
    warn: (text) => options.warn(text),
    lines: lineWriter((text) => options.print(text)),
    files: allowFiles(fileRoots, pathMap),
    environment,
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
    report,
  }
}

function runPrelude(caller: Caller, { roots, pathMap }: StateOptions): void {
  const { main } = caller
  loadPrelude(main)
  const prelude = popFunction(main)
  const files = allowFiles(roots, pathMap)
  const [search, loadfile] = [fileSearcher(files), fileLoader(files)].map((native) =>
    fromLua(new lobject.TValue(NATIVE, native)),
  )
  const path = roots.map((root) => `${root}/?.lua`).join(';')
  const args = [search, byteString(Buffer.from(path)), loadfile]
  void callFunction(caller, prelude, args, { label: 'prelude', budget: UNLIMITED })
}

const UNLIMITED: Budget = {
  cpuMs: Infinity,
  wallMs: 0,
  allocBytes: Infinity,
  maxStringBytes: Infinity,
}

// A JavaScript exception inside the engine, such as a stack overflow, as the text of a Lua error.
const nativeError =
  (report: InternalError) =>
  (L: Thread): number => {
    const error = argumentAt(L, 1)?.value
    const isOverflow = error instanceof RangeError && error.message.includes('call stack')
    if (!isOverflow) report(error, 'the engine')
    L.stack[L.top++] = toLua(isOverflow ? 'stack overflow' : `internal error: ${String(error)}`)
    return 1
  }

// The table of a dotted name, made with its parents where missing, in the globals and package.loaded.
function moduleTable(globals: Table, name: string): Table {
  const loaded = subtable(subtable(globals, 'package'), 'loaded')
  let at = globals
  let path = ''
  for (const step of name.split('.')) {
    path = path === '' ? step : `${path}.${step}`
    const table = subtable(at, step)
    if (fieldOf(loaded, path).type === NIL) setField(loaded, path, new lobject.TValue(TABLE, table))
    at = table
  }
  return at
}

const inheriting = (() => {
  const known = new WeakMap<LuaTable | LuaFunction, Table>()
  return (index: LuaTable | LuaFunction): Table => {
    const found = known.get(index) ?? metatable('__index', toLua(index))
    known.set(index, found)
    return found
  }
})()

function metatable(event: string, value: TValue): Table {
  const table = emptyTable()
  setField(table, event, value)
  return table
}

// The table in a field, made when there is none.
function subtable(table: Table, key: string): Table {
  const known = tableIn(fieldOf(table, key))
  if (known !== undefined) return known
  const made = emptyTable()
  setField(table, key, new lobject.TValue(TABLE, made))
  return made
}

function popFunction(L: Thread): LuaFunction {
  return functionIn(pop(L))
}

function functionIn(slot: TValue): LuaFunction {
  const value = fromLua(slot)
  if (!isHandle(value, 'function')) throw new TypeError('the value is a function')
  return value
}
