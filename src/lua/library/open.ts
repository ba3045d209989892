// Fills a new state with the libraries of the dialect, and leaves out what scripts may not have.

import { readFileSync } from 'node:fs'
import { bindFunction, setNative, type HostFunction, type InternalError } from '../binding.ts'
import {
  TABLE,
  argumentAt,
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
import { findModule } from '../module.ts'
import { raise } from '../raise.ts'
import { emptyTable, toLua } from '../value.ts'
import { baseFunctions, compile, globalsOf, type Output } from './base.ts'
import { COROUTINE_FUNCTIONS } from './coroutine.ts'
import { getfenv, setfenv } from './environment.ts'
import { mathFunctions } from './math.ts'
import { forbidden, osFunctions } from './os.ts'

export interface LibraryOptions extends Output {
  readonly roots: readonly string[]
  readonly now: () => number
  report: InternalError
}

const PRELUDE = new URL('../../../lua/prelude.lua', import.meta.url)

/** Opens everything but the prelude, whose compiled chunk is left on the stack with its arguments. */
export function openLibraries(L: Thread, options: LibraryOptions): void {
  for (const [name, open] of ENGINE_LIBRARIES) {
    lauxlib.luaL_requiref(L, octets(name), open, true)
    L.top--
  }
  const globals = globalsOf(L)
  remove(globals, ['rawlen', 'dofile', 'loadfile'])
  setAll(globals, { ...baseFunctions(options), getfenv, setfenv })
  setAll(globals, bindAll('', forbidden('', ['dofile', 'loadfile']), options.report))
  setField(globals, '_VERSION', toLua('thrLua 5.1'))
  const table = library(globals, 'table')
  setField(globals, 'unpack', fieldOf(table, 'unpack'))
  remove(table, ['unpack', 'pack', 'move'])
  const math = library(globals, 'math')
  remove(math, ['tointeger', 'type', 'ult', 'maxinteger', 'mininteger'])
  setAll(math, mathFunctions())
  keepOnly(library(globals, 'debug'), ['traceback', 'getinfo'])
  setAll(newLibrary(globals, 'coroutine'), COROUTINE_FUNCTIONS)
  setAll(newLibrary(globals, 'os'), bindAll('os.', osFunctions(options.now), options.report))
  const io = bindAll('io.', forbidden('io', ['popen', 'tmpfile', 'open', 'lines']), options.report)
  setAll(newLibrary(globals, 'io'), io)
}

/** The prelude compiled: its function is left on top of the stack. */
export function loadPrelude(L: Thread): void {
  const problem = compile(L, readFileSync(PRELUDE), '=(prelude)')
  if (problem !== undefined) throw new Error(problem)
}

/** The loader that `package.loaders` uses for files below the roots. */
export function fileSearcher(roots: readonly string[]): NativeFunction {
  return (L) => {
    const name = textIn(argumentAt(L, 1)) ?? ''
    const found = findModule(roots, name)
    if (found.kind === 'found') {
      const problem = compile(L, sourceOf(found.source), `@${found.path}`)
      if (problem === undefined) return 1
      return raise(L, `error loading module '${name}' from file '${found.path}':\n\t${problem}`)
    }
    const tried =
      found.kind === 'refused' ? [found.why] : found.tried.map((path) => `no file '${path}'`)
    L.stack[L.top++] = toLua(tried.map((line) => `\n\t${line}`).join(''))
    return 1
  }
}

/** A file's chunk: without a byte order mark, and without a first line that begins with `#`. */
export function sourceOf(file: Buffer): Buffer {
  const text = file.subarray(0, 3).equals(BYTE_ORDER_MARK) ? file.subarray(3) : file
  if (text[0] !== 0x23) return text
  const end = text.indexOf(10)
  return end < 0 ? Buffer.alloc(0) : text.subarray(end)
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

const ENGINE_LIBRARIES = [
  ['_G', lualib.luaopen_base],
  ['string', lualib.luaopen_string],
  ['table', lualib.luaopen_table],
  ['math', lualib.luaopen_math],
  ['debug', lualib.luaopen_debug],
] as const

function bindAll(
  prefix: string,
  functions: Readonly<Record<string, HostFunction>>,
  report: InternalError,
): Record<string, NativeFunction> {
  return Object.fromEntries(
    Object.entries(functions).map(([name, call]) => [
      name,
      bindFunction(prefix + name, call, report),
    ]),
  )
}

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
