// `vctx`, the validation context: the verdict of the running phase and both dictionaries.
// Momentum manual pages "lua.ref.vctx_get" … "lua.ref.vctx_tarpit"; fields from "structs-validate-context".
import { LuaCallError } from '../lua/error.ts'
import { declare, declareField } from './declaration.ts'
import { dictionary, exists, existsAndGet, readKey, readValue, type Which } from './dictionary.ts'
import type { ValidationContext } from './handle.ts'
import { VALIDATE_DONE } from './constants.ts'
import { any, number, optional, string } from './parameter.ts'
import { RECIPIENT_METHODS } from './recipients.ts'
import type { ClassShape } from './shape.ts'

const DEFAULT_DISCONNECT = 'disconnected by policy'

const method = declare<ValidationContext>()
const field = declareField<ValidationContext>()

export const VCTX: ClassShape<ValidationContext> = {
  kind: 'vctx',
  className: 'msys.core:_validate_context',
  prefix: 'vctx',
  methods: [
    method(
      'vctx:get',
      [dictionary, any('key')],
      { result: 'string', tier: 1, doc: 'a context variable, "" when it is unset' },
      (vctx, [which, key]) => {
        const name = readKey('vctx:get', key)
        if (name === undefined) vctx.panic('vctx:get called without a key')
        return name === undefined ? '' : (vctx.context[which].get(name) ?? '')
      },
    ),
    method(
      'vctx:exists',
      [dictionary, any('key')],
      { result: '1 | 0', tier: 1, doc: 'whether a context variable is set' },
      (vctx, [which, key]) => exists(vctx.context, which, readKey('vctx:exists', key)),
    ),
    method(
      'vctx:exists_and_get',
      [dictionary, any('key')],
      { result: '1, string | 0, nil', tier: 2, doc: 'tells an empty context variable from none' },
      (vctx, [which, key]) =>
        existsAndGet(vctx.context, which, readKey('vctx:exists_and_get', key)),
    ),
    method(
      'vctx:set',
      [dictionary, any('key'), any('value')],
      {
        result: 'nil',
        tier: 1,
        doc: 'sets a context variable; without key or value only a paniclog line',
      },
      (vctx, [which, key, value]) => {
        const name = readKey('vctx:set', key)
        const text = readValue('vctx:set', value)
        if (name !== undefined && text !== undefined) storeVariable(vctx, which, name, text)
        else
          vctx.panic(`vctx:set called without a ${name === undefined ? 'key' : 'value'}: no change`)
      },
    ),
    method(
      'vctx:delete',
      [dictionary, string('key')],
      { result: '1 | 0', tier: 2, doc: 'deletes a context variable' },
      (vctx, [which, key]) => {
        const existed = vctx.context[which].delete(key)
        if (existed && which === 'connection') vctx.onConnectionVariable?.(key, undefined)
        return existed ? 1 : 0
      },
    ),
    method(
      'vctx:set_code',
      [number('code'), optional(string('text'), '')],
      { result: 'nil', tier: 1, doc: 'the reply to this command; 4xx and 5xx refuse it' },
      (vctx, [code, text]) => setVerdict(vctx, 'vctx:set_code', code, text),
    ),
    method(
      'vctx:disconnect',
      [optional(number('code'), 421), optional(string('text'), DEFAULT_DISCONNECT)],
      { result: 'nil', tier: 1, doc: 'sends the reply, then closes the connection' },
      (vctx, [code, text]) => {
        setVerdict(vctx, 'vctx:disconnect', code, text)
        vctx.verdict.disconnect = true
      },
    ),
    method(
      'vctx:tarpit',
      [number('seconds')],
      { result: 'nil', tier: 1, doc: 'delays the reply; the script goes on at once' },
      (vctx, [seconds]) => {
        if (!(seconds >= 0)) throw new LuaCallError('vctx:tarpit: bad argument #1 (negative)')
        vctx.verdict.tarpitSeconds += seconds
      },
    ),
    method(
      'vctx:pbp_action',
      [number('code'), optional(string('text'), '')],
      { result: 'number', tier: 2, doc: 'set_code, and returns VALIDATE_DONE' },
      (vctx, [code, text]) => {
        setVerdict(vctx, 'vctx:pbp_action', code, text)
        return VALIDATE_DONE
      },
    ),
    method(
      'vctx:pbp_disconnect',
      [optional(number('code'), 421), optional(string('text'), DEFAULT_DISCONNECT)],
      { result: 'number', tier: 2, doc: 'disconnect, and returns VALIDATE_DONE' },
      (vctx, [code, text]) => {
        setVerdict(vctx, 'vctx:pbp_disconnect', code, text)
        vctx.verdict.disconnect = true
        return VALIDATE_DONE
      },
    ),
    ...RECIPIENT_METHODS,
  ],
  fields: [
    field(
      'vctx.code',
      { result: 'number', tier: 2, doc: 'the code that set_code set, else 0' },
      (vctx) => vctx.verdict.code,
      (vctx, value) => {
        vctx.verdict.code = readCode('vctx.code', Number(value), [0])
      },
    ),
    field(
      'vctx.note',
      { result: 'string', tier: 2, doc: 'the text that set_code set' },
      (vctx) => vctx.verdict.note,
      (vctx, value) => {
        vctx.verdict.note = readValue('vctx.note', value) ?? ''
      },
    ),
    field(
      'vctx.disconnect',
      {
        result: 'function',
        tier: 2,
        doc: 'assigned: whether the connection is closed after the reply; read, it is the method',
      },
      () => undefined,
      (vctx, value) => {
        vctx.verdict.disconnect = value !== undefined && value !== false && value !== 0
      },
    ),
    field(
      'vctx.tcost',
      { result: 'number', tier: 2, doc: 'seconds that tarpit has asked for' },
      (vctx) => vctx.verdict.tarpitSeconds,
      (vctx, value) => {
        vctx.verdict.tarpitSeconds = Math.max(0, Number(value) || 0)
      },
    ),
  ],
}

/** Sets a context variable, or with undefined deletes it. */
export function storeVariable(
  vctx: ValidationContext,
  which: Which,
  key: string,
  value: string | undefined,
): void {
  if (value === undefined) vctx.context[which].delete(key)
  else vctx.context[which].set(key, value)
  if (which === 'connection') vctx.onConnectionVariable?.(key, value)
}

function setVerdict(vctx: ValidationContext, name: string, code: number, text: string): void {
  vctx.verdict.code = readCode(name, code)
  vctx.verdict.note = text
}

/** `others`: what is allowed beside SMTP codes. */
function readCode(name: string, code: number, others: readonly number[] = []): number {
  const isCode = Number.isInteger(code) && code >= 200 && code <= 599
  if (isCode || others.includes(code)) return code
  throw new LuaCallError(`${name}: bad argument #1 (an SMTP code expected, got ${code}): code`)
}
