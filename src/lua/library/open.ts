// Fills a new state with the libraries of the dialect, and leaves out what scripts may not have.

import { readFileSync } from 'node:fs'
import { bindFunction, setNative, type HostFunction, type InternalError } from '../binding.ts'
import {
  STRING,
  TABLE,
  argumentAt,
  byteString,
  fieldOf,
  lauxlib,
  lobject,
  lualib,
  octets,
  setField,
  tableIn,
  textIn,
  type NativeFunction,
  type Table,
  type Thread,
} from '../engine.ts'
import type { Files } from '../files.ts'
import { findModule, readWhole } from '../module.ts'
import { raisePlain } from '../raise.ts'
import { emptyTable, toLua, type LuaValue } from '../value.ts'
import { compileFile, globalsOf } from '../chunk.ts'
import { baseFunctions, printTo, type Output } from './base.ts'
import { bufferLibrary } from './buffer.ts'
import { COROUTINE_FUNCTIONS } from './coroutine.ts'
import { getfenv, setfenv } from './environment.ts'
import { ioLibrary } from './io.ts'
import { ITERATION_FUNCTIONS } from './iterate.ts'
import { serveLocals } from './locals.ts'
import { mathFunctions } from './math.ts'
import { forbidden, osFunctions, type OsOptions } from './os.ts'
import { STRING_FUNCTIONS } from './string.ts'
import { TABLE_FUNCTIONS } from './table.ts'
import { THREAD_CONSTANTS, threadFunctions } from './thread.ts'

export interface LibraryOptions extends Output, Omit<OsOptions, 'warn'> {
  /** What `io` may read. */
  readonly files: Files
  readonly random: () => number
  readonly report: InternalError
}

/** Folder of the Lua that ships with the server. */
const SHIPPED = new URL('../../../lua/', import.meta.url)

/** Opens everything but the prelude. */
export function openLibraries(L: Thread, options: LibraryOptions): void {
  for (const [name, open] of ENGINE_LIBRARIES) {
    lauxlib.luaL_requiref(L, octets(name), open, true)
    L.top--
  }
  const globals = globalsOf(L)
  openString(L, newLibrary(globals, 'string'))
  adaptLibraries(globals, options)
  addLibraries(globals, options)
  serveLocals(globals)
}

// What the engine brings, made that of the dialect.
function adaptLibraries(globals: Table, options: LibraryOptions): void {
  remove(globals, ['rawlen', 'dofile', 'loadfile'])
  setAll(globals, { ...baseFunctions(options), ...ITERATION_FUNCTIONS, getfenv, setfenv })
  setField(globals, '_VERSION', toLua('thrLua 5.1'))
  const table = library(globals, 'table')
  setField(globals, 'unpack', fieldOf(table, 'unpack'))
  remove(table, ['unpack', 'pack', 'move'])
  setAll(table, TABLE_FUNCTIONS)
  const math = library(globals, 'math')
  remove(math, ['tointeger', 'type', 'ult', 'maxinteger', 'mininteger'])
  setAll(math, mathFunctions(options.random))
  const debug = library(globals, 'debug')
  keepOnly(debug, ['traceback', 'getinfo'])
  // Momentum's way to a line in paniclog.
  setAll(debug, { output: printTo(options) })
}

function addLibraries(globals: Table, options: LibraryOptions): void {
  const { files, lines, report, warn } = options
  const add = (name: string, members: Readonly<Record<string, HostFunction | LuaValue>>): void => {
    const table = newLibrary(globals, name)
    for (const [key, member] of Object.entries(members)) {
      if (typeof member !== 'function') setField(table, key, toLua(member))
      else setNative(table, key, bindFunction(`${name}.${key}`, member, report))
    }
  }
  const buffer = bufferLibrary(report)
  setAll(newLibrary(globals, 'coroutine'), COROUTINE_FUNCTIONS)
  add('os', osFunctions(options))
  add('io', {
    ...ioLibrary({ files, output: lines, report, textOf: buffer.textOf }),
    ...forbidden('io'),
  })
  add('buffer', buffer.functions)
  add('thread', { ...threadFunctions(warn, report), ...THREAD_CONSTANTS })
}

// Its functions are methods of all strings.
function openString(L: Thread, library: Table): void {
  setAll(library, STRING_FUNCTIONS)
  const metatable = emptyTable()
  setField(metatable, '__index', new lobject.TValue(TABLE, library))
  L.l_G.mt[STRING & 15] = metatable
}

/** The prelude compiled: its function is left on top of the stack. */
export function loadPrelude(L: Thread): void {
  const problem = compileFile(L, readFileSync(new URL('prelude.lua', SHIPPED)), '=(prelude)')
  if (problem !== undefined) throw new Error(problem)
}

/** The loader that `package.loaders` uses for files: package.path, as far as it is below the roots. */
export function fileSearcher(files: Files): NativeFunction {
  return (L) => {
    const name = textIn(argumentAt(L, 1)) ?? ''
    const path = textIn(fieldOf(library(globalsOf(L), 'package'), 'path'))
    if (path === undefined) return raisePlain(L, "'package.path' must be a string")
    const found = findModule(files, path, name)
    if (found.kind === 'found') {
      const problem = compileFile(L, found.source, `@${found.path}`)
      if (problem === undefined) return 1
      return raisePlain(
        L,
        `error loading module '${name}' from file '${found.path}':\n\t${problem}`,
      )
    }
    const tried =
      found.kind === 'refused' ? [found.why] : found.tried.map((place) => `no file ${place}`)
    L.stack[L.top++] = toLua(tried.map((line) => `\n\t${line}`).join(''))
    return 1
  }
}

/** `loadfile`: the compiled file, or nil and what is wrong. */
export function fileLoader(files: Files): NativeFunction {
  return (L) => {
    const path = byteString(lauxlib.luaL_checkstring(L, 1))
    const file = readWhole(files, path)
    const problem =
      file.kind === 'read'
        ? compileFile(L, file.source, `@${path}`)
        : `cannot open ${path}: ${file.text}`
    if (problem === undefined) return 1
    L.stack[L.top++] = toLua(undefined)
    L.stack[L.top++] = toLua(problem)
    return 2
  }
}

const ENGINE_LIBRARIES = [
  ['_G', lualib.luaopen_base],
  ['table', lualib.luaopen_table],
  ['math', lualib.luaopen_math],
  ['debug', lualib.luaopen_debug],
] as const

function library(globals: Table, name: string): Table {
  return tableIn(fieldOf(globals, name)) ?? newLibrary(globals, name)
}

function newLibrary(globals: Table, name: string): Table {
  const table = emptyTable()
  setField(globals, name, new lobject.TValue(TABLE, table))
  return table
}

function setAll(table: Table, functions: Readonly<Record<string, NativeFunction>>): void {
  for (const [name, native] of Object.entries(functions)) setNative(table, name, native)
}

function remove(table: Table, names: readonly string[]): void {
  for (const name of names) setField(table, name, toLua(undefined))
}

function keepOnly(table: Table, names: readonly string[]): void {
  const all: string[] = []
  for (let entry = table.f; entry !== undefined; entry = entry.n) all.push(textIn(entry.key) ?? '')
  remove(
    table,
    all.filter((name) => !names.includes(name)),
  )
}
