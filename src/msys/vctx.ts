// `vctx`, the validation context: the verdict of the running phase and both dictionaries.
// Momentum manual pages "lua.ref.vctx_get" … "lua.ref.vctx_tarpit"; fields from "structs-validate-context".
import type { LuaValue } from '../lua/value.ts'
import { LuaCallError } from '../lua/error.ts'
import type { Context } from '../mail/context.ts'
import { any, type Binding, binding, number, optional, string } from './binding.ts'
import { dictionary, exists, existsAndGet, readKey, readValue, type Which } from './dictionary.ts'
import { assertAlive, type Handle } from './handle.ts'

/** What policy has decided in this phase. Data, not an exception: no pcall can swallow it. */
export interface Verdict {
  /** SMTP code; 0 while policy has set none. */
  code: number
  /** Byte string: the reply text. */
  note: string
  disconnect: boolean
  tarpitSeconds: number
}

export interface ValidationContext extends Handle {
  readonly context: Context
  verdict: Verdict
  /** Sees what policy does to the connection dictionary; `value` undefined: deleted. */
  onConnectionVariable?(key: string, value: string | undefined): void
  /** Writes a line to paniclog. */
  panic(text: string): void
}

export function noVerdict(): Verdict {
  return { code: 0, note: '', disconnect: false, tarpitSeconds: 0 }
}

export function isRejection(verdict: Verdict): boolean {
  return verdict.code >= 400
}

const DEFAULT_DISCONNECT = 'disconnected by policy'

export const VCTX_METHODS: readonly Binding<ValidationContext>[] = [
  binding('vctx:get', [dictionary, any('key')], (vctx: ValidationContext, [which, key]) => {
    const name = readKey('vctx:get', key)
    if (name === undefined) vctx.panic('vctx:get called without a key')
    return name === undefined ? '' : (vctx.context[which].get(name) ?? '')
  }),
  binding('vctx:exists', [dictionary, any('key')], (vctx: ValidationContext, [which, key]) =>
    exists(vctx.context, which, readKey('vctx:exists', key)),
  ),
  binding(
    'vctx:exists_and_get',
    [dictionary, any('key')],
    (vctx: ValidationContext, [which, key]) =>
      existsAndGet(vctx.context, which, readKey('vctx:exists_and_get', key)),
  ),
  binding(
    'vctx:set',
    [dictionary, any('key'), any('value')],
    (vctx: ValidationContext, [which, key, value]) => {
      const name = readKey('vctx:set', key)
      const text = readValue('vctx:set', value)
      if (name === undefined || text === undefined) {
        vctx.panic(`vctx:set called without a ${name === undefined ? 'key' : 'value'}: no change`)
        return undefined
      }
      store(vctx, which, name, text)
      return undefined
    },
  ),
  binding('vctx:delete', [dictionary, string('key')], (vctx: ValidationContext, [which, key]) => {
    const existed = vctx.context[which].delete(key)
    if (existed && which === 'connection') vctx.onConnectionVariable?.(key, undefined)
    return existed ? 1 : 0
  }),
  binding(
    'vctx:set_code',
    [number('code'), optional(string('text'), '')],
    (vctx: ValidationContext, [code, text]) => setVerdict(vctx, 'vctx:set_code', code, text),
  ),
  binding(
    'vctx:disconnect',
    [optional(number('code'), 421), optional(string('text'), DEFAULT_DISCONNECT)],
    (vctx: ValidationContext, [code, text]) => {
      setVerdict(vctx, 'vctx:disconnect', code, text)
      vctx.verdict.disconnect = true
      return undefined
    },
  ),
  binding('vctx:tarpit', [number('seconds')], (vctx: ValidationContext, [seconds]) => {
    if (!(seconds >= 0)) throw new LuaCallError("bad argument #1 to 'vctx:tarpit' (negative)")
    vctx.verdict.tarpitSeconds += seconds
    return undefined
  }),
]

/** `vctx.code` and the other fields; a name that is a method is not asked here. */
export function getVctxField(vctx: ValidationContext, key: string): LuaValue {
  assertAlive(vctx, 'vctx')
  if (key === 'code') return vctx.verdict.code
  if (key === 'note') return vctx.verdict.note
  if (key === 'tcost') return vctx.verdict.tarpitSeconds
  return undefined
}

/** `vctx.disconnect = 1` sets the bit whose name is also a method's. */
export function setVctxField(vctx: ValidationContext, key: string, value: LuaValue): boolean {
  assertAlive(vctx, 'vctx')
  if (key === 'disconnect')
    vctx.verdict.disconnect = value !== undefined && value !== false && value !== 0
  else if (key === 'code') vctx.verdict.code = readCode('vctx.code', Number(value), [0])
  else if (key === 'note') vctx.verdict.note = readValue('vctx.note', value) ?? ''
  else if (key === 'tcost') vctx.verdict.tarpitSeconds = Math.max(0, Number(value) || 0)
  else return false
  return true
}

function store(vctx: ValidationContext, which: Which, key: string, value: string): void {
  vctx.context[which].set(key, value)
  if (which === 'connection') vctx.onConnectionVariable?.(key, value)
}

function setVerdict(vctx: ValidationContext, name: string, code: number, text: string): undefined {
  vctx.verdict.code = readCode(name, code)
  vctx.verdict.note = text
  return undefined
}

/** `others`: what is allowed beside SMTP codes. */
function readCode(name: string, code: number, others: readonly number[] = []): number {
  const isCode = Number.isInteger(code) && code >= 200 && code <= 599
  if (isCode || others.includes(code)) return code
  throw new LuaCallError(`bad argument #1 to '${name}' (code: an SMTP code expected, got ${code})`)
}
