// The patched engine as far as this folder uses it. Its functions keep Fengari's (and C Lua's) names.

interface Slot<Type extends number, Value> {
  type: Type
  value: Value
}

/** A slot of a stack or table, told apart by its type tag. */
export type TValue =
  | Slot<0, null>
  | Slot<1, boolean>
  | Slot<2, unknown>
  | Slot<3, number>
  | Slot<5, Table>
  | Slot<6, LClosure>
  | Slot<7, Udata>
  | Slot<8, lua_State>
  | Slot<20, TString>
  | Slot<22, NativeFunction>
  | Slot<38, NativeClosure>

export interface NativeClosure {
  handle?: unknown
}

/** A string: octets and the latin-1 text of the same octets, at least one of them present. */
export interface TString {
  hash: string | null
  realstring: Uint8Array | null
  getstr(): Uint8Array
}

export interface TableEntry {
  readonly key: TValue
  readonly value: TValue
  readonly n: TableEntry | undefined
}

export interface Table {
  readonly array: TValue[]
  readonly f: TableEntry | undefined
  metatable: Table | null
  flags: number
  /** What stands for it in TypeScript. */
  handle?: unknown
}

export interface Udata {
  metatable: Table | null
  methods: Table | null
  data: unknown
  /** What stands for it in TypeScript. */
  handle?: unknown
}

/** How far a chunk has been read. */
export interface Reading {
  readonly source: Uint8Array
  /** Where the present piece begins. */
  start: number
  read: number
}

/** An instruction of the code; which of the operands it has depends on the opcode. */
export interface Instruction {
  readonly opcode: number
  readonly A: number
  readonly B: number
  readonly C: number
  readonly Bx: number
  readonly sBx: number
  /** Where it found its field last, and the entry there; null: nowhere yet. */
  table: unknown
  entry: unknown
  /** How often it ran while instructions were counted. */
  hits?: number
}

/** The code of a function: never changed once it is compiled, but for what is counted and where fields were found. */
export interface Proto {
  readonly code: readonly Instruction[]
  /** The line of each instruction. */
  readonly lineinfo: readonly number[]
  /** The functions inside it. */
  readonly p: readonly Proto[]
  readonly linedefined: number
  /** How often it was entered while instructions were counted. */
  entries?: number
  readonly upvalues: readonly { readonly name: TString | null }[]
}

export interface LClosure {
  p: Proto
  readonly nupvalues: number
  readonly upvals: TValue[]
  /** What stands for it in TypeScript. */
  handle?: unknown
}

export interface CallInfo {
  readonly func: TValue
  readonly funcOff: number
  readonly previous: CallInfo | null
}

export interface lua_State {
  readonly l_G: GlobalState
  readonly stack: TValue[]
  readonly base_ci: CallInfo
  readonly ci: CallInfo
  top: number
  readonly status: number
  readonly nny: number
  readonly from: lua_State | null
  /** What stands for it in TypeScript. */
  handle?: unknown
}

export interface GlobalState {
  readonly l_registry: { readonly value: Table }
  readonly mt: (Table | null | undefined)[]
}

export interface NativeFunction {
  (L: lua_State): number
  /** What stands for it in TypeScript. */
  handle?: unknown
}
export type Continuation<T> = (L: lua_State, status: number, context: T) => number

type KillReason = 'cpu' | 'memory'

export interface Tick {
  n: number
  bytes: number
  maxString: number
}

export const host: {
  readonly Kill: new (reason: KillReason) => Error & { readonly reason: KillReason }
  readonly tick: Tick
  over: () => void
  /** Where the last syntax error was: a byte of the source; the host sets it to -1 before. */
  syntaxAt: number
  /** The natives behind pairs and ipairs, which the interpreter does without calling. */
  next: NativeFunction
  following: NativeFunction
  /** Whether instructions and entries are counted from now on, in code that is entered anew. */
  countInstructions: (isOn: boolean) => void
  numberToText: (value: number) => string
  textToNumber: (text: string) => number | undefined
  power: (base: number, exponent: number) => number
  bitwise: Readonly<Record<'and' | 'or' | 'xor' | 'shl' | 'shr', (a: number, b: number) => number>>
}

export const lobject: {
  readonly TValue: new <T extends TValue>(type: T['type'], value: T['value']) => TValue
  readonly LClosure: new (L: lua_State, upvalues: number) => LClosure
  readonly Udata: new (L: lua_State, size: number) => Udata
}

export const lstring: {
  luaS_text(text: string): TString
  luaS_bless(L: lua_State, bytes: Uint8Array): TString
  luaS_hashlongstr(string: TString): string
}

export const ltable: {
  luaH_new(L: lua_State): Table
  luaH_get(L: lua_State, table: Table, key: TValue): TValue
  luaH_getint(table: Table, key: number): TValue
  luaH_getstr(table: Table, key: TString): TValue
  luaH_getn(table: Table): number
  luaH_next(L: lua_State, table: Table, key: number): boolean
  luaH_setint(table: Table, key: number, value: TValue): void
  luaH_setfrom(L: lua_State, table: Table, key: TValue, value: TValue): void
  invalidateTMcache(table: Table): void
}

export const ldebug: {
  luaG_errormsg(L: lua_State): never
}

export class lua_Debug {
  readonly i_ci: CallInfo
  readonly currentline: number
  readonly short_src: Uint8Array
}

export const lua: {
  readonly lua_Debug: typeof lua_Debug
  lua_atnativeerror(L: lua_State, handler: NativeFunction): void
  lua_callk<T>(L: lua_State, args: number, results: number, context: T, k: Continuation<T>): void
  lua_call(L: lua_State, args: number, results: number): void
  lua_checkstack(L: lua_State, n: number): boolean
  lua_error(L: lua_State): never
  lua_getinfo(L: lua_State, what: Uint8Array, ar: lua_Debug): number
  lua_gettable(L: lua_State, index: number): number
  lua_getstack(L: lua_State, level: number, ar: lua_Debug): number
  lua_gettop(L: lua_State): number
  lua_load(
    L: lua_State,
    reader: (L: lua_State, data: Reading) => Uint8Array | null,
    data: Reading,
    name: Uint8Array,
    mode: Uint8Array,
  ): number
  lua_newthread(L: lua_State): lua_State
  lua_resume(L: lua_State, from: lua_State | null, args: number): number
  lua_settop(L: lua_State, top: number): void
  lua_type(L: lua_State, index: number): number
  lua_xmove(from: lua_State, to: lua_State, n: number): void
  lua_yieldk<T>(L: lua_State, results: number, context: T, k: Continuation<T> | null): never
}

export const lauxlib: {
  luaL_argerror(L: lua_State, arg: number, message: Uint8Array): never
  luaL_checkany(L: lua_State, arg: number): void
  /** The lower 32 bits of an integer argument. */
  luaL_checkint(L: lua_State, arg: number): number
  luaL_checkinteger(L: lua_State, arg: number): number
  luaL_checknumber(L: lua_State, arg: number): number
  luaL_checkstring(L: lua_State, arg: number): Uint8Array
  luaL_checktype(L: lua_State, arg: number, type: number): void
  luaL_newstate(): lua_State
  luaL_optint(L: lua_State, arg: number, otherwise: number): number
  luaL_optinteger(L: lua_State, arg: number, otherwise: number): number
  luaL_requiref(L: lua_State, name: Uint8Array, open: NativeFunction, global: boolean): void
  luaL_tolstring(L: lua_State, index: number): Uint8Array
  luaL_traceback(L: lua_State, of: lua_State, message: Uint8Array | null, level: number): void
  luaL_where(L: lua_State, level: number): void
}

export const lualib: Readonly<
  Record<'luaopen_base' | 'luaopen_table' | 'luaopen_math' | 'luaopen_debug', NativeFunction>
>
