// Compiling Lua source: text only, counted on the budget while it goes on. What a file compiles to is
// kept for the process: a reload compiles only what has changed, and all states share the code.

import {
  NIL,
  LUA_CLOSURE,
  OK,
  TABLE,
  host,
  lobject,
  ltable,
  lua,
  octets,
  pop,
  tableIn,
  textIn,
  type Proto,
  type Reading,
  type Table,
  type Thread,
} from './engine.ts'
import { explainSyntax } from './syntax.ts'
import { emptyTable } from './value.ts'

/** Compiles a chunk: on success leaves the function on the stack, else returns the message. */
export function compile(L: Thread, source: Uint8Array, chunkName: string): string | undefined {
  host.tick.bytes -= MEMORY_PER_CHUNK
  const reading = { source, start: 0, read: 0 }
  const status = lua.lua_load(L, readPiece, reading, octets(chunkName), octets('t'))
  if (status === OK) return undefined
  return textIn(pop(L)) ?? 'unknown error'
}

/**
 * The same of a file that people edit: the message names the column, and damage done by copying. It is compiled
 * again only when it has changed.
 */
export function compileFile(L: Thread, file: Buffer, chunkName: string): string | undefined {
  const source = sourceOf(file)
  const known = COMPILED.get(chunkName)
  if (known?.source.equals(source)) {
    pushFunction(L, known.code)
    return undefined
  }
  host.syntaxAt = -1
  const problem = compile(L, source, chunkName)
  if (problem !== undefined && host.syntaxAt >= 0) {
    return explainSyntax(problem, source, host.syntaxAt)
  }
  const slot = L.stack[L.top - 1]
  if (problem === undefined && slot?.type === LUA_CLOSURE) {
    COMPILED.delete(chunkName)
    COMPILED.set(chunkName, { source, code: slot.value.p })
    const [oldest] = COMPILED.keys()
    if (COMPILED.size > MOST_FILES && oldest !== undefined) COMPILED.delete(oldest)
  }
  return problem
}

/** What was compiled of files, and the path of each; undefined for what comes with us. */
export function compiledFiles(): { readonly path: string | undefined; readonly code: Proto }[] {
  return [...COMPILED].map(([name, { code }]) => ({
    path: name.startsWith('@') ? name.slice(1) : undefined,
    code,
  }))
}

/**
 * Instructions forget where they found fields: whatever state that was would live as long as the code. They find them
 * again.
 */
export function forgetFields(): void {
  for (const { code } of COMPILED.values()) {
    for (const proto of functionsIn(code)) {
      for (const instruction of proto.code) {
        instruction.table = null
        instruction.entry = null
      }
    }
  }
}

/** A function and all inside it. */
export function functionsIn(proto: Proto): Proto[] {
  return [proto, ...proto.p.flatMap(functionsIn)]
}

/** The table that holds the globals of the state. */
export function globalsOf(L: Thread): Table {
  const RIDX_GLOBALS = 2
  return tableIn(ltable.luaH_getint(L.l_G.l_registry.value, RIDX_GLOBALS)) ?? emptyTable()
}

const MOST_FILES = 1000
/** By chunk name, the longest unchanged first. Code is never written to once it is compiled, but for caches. */
const COMPILED = new Map<string, { readonly source: Buffer; readonly code: Proto }>()

// A main function has one upvalue: its environment.
function pushFunction(L: Thread, code: Proto): void {
  const closure = new lobject.LClosure(L, code.upvalues.length)
  closure.p = code
  for (let index = 0; index < closure.nupvalues; index++) {
    closure.upvals[index] =
      index === 0 ? new lobject.TValue(TABLE, globalsOf(L)) : new lobject.TValue(NIL, null)
  }
  L.stack[L.top++] = new lobject.TValue(LUA_CLOSURE, closure)
}

const MEMORY_PER_CHUNK = 2000
const PIECE_BYTES = 512
/** What an octet of source costs: reading it, and what the compiled code takes. */
const TICKS_PER_BYTE = 4
const MEMORY_PER_BYTE = 80

// The engine adds `start` to its place in a piece, for the column of a syntax error.
function readPiece(_: Thread, reading: Reading): Uint8Array | null {
  const { source, read } = reading
  const piece = source.subarray(read, read + PIECE_BYTES)
  if (piece.length === 0) return null
  reading.start = read
  reading.read += piece.length
  host.tick.bytes -= piece.length * MEMORY_PER_BYTE
  host.tick.n -= piece.length * TICKS_PER_BYTE
  if (host.tick.n < 0 || host.tick.bytes < 0) host.over()
  return piece
}

// Without a byte order mark, and without a first line that begins with `#`.
function sourceOf(file: Buffer): Buffer {
  const text = file.subarray(0, 3).equals(BYTE_ORDER_MARK) ? file.subarray(3) : file
  if (text[0] !== 0x23) return text
  const end = text.indexOf(10)
  return end < 0 ? Buffer.alloc(0) : text.subarray(end)
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
