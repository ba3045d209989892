// `msys.policyeditor` of Momentum 3: what methods of `msg` do, in another dress, and variables in a table.
// Each function takes the objects of the callout, `{ ec_message = msg }`, the variables, and its options.
// Momentum 3 manual page "implementing.policy.scriptlets".
import type { HostResult } from '../lua/binding.ts'
import { LuaCallError } from '../lua/error.ts'
import type { LuaTable, LuaValue } from '../lua/value.ts'
import type { Context } from '../mail/context.ts'
import { declare } from './declaration.ts'
import { assertAlive, type MessageHandle } from './handle.ts'
import { MESSAGE } from './message.ts'
import { asObject, asString, table, typeName } from './parameter.ts'
import { spendTicks, within } from './pcre/functions.ts'
import { match } from './pcre/text.ts'
import type { Runtime } from './runtime.ts'
import { BINDING_STAGE, MESSAGE_STAGES, RECIPIENT_STAGES, type Stage } from './stage.ts'

interface Call {
  readonly name: string
  readonly ctx: LuaTable
  readonly vars: LuaTable
  readonly options: LuaTable
  readonly runtime: Runtime
}

const fn = declare<undefined>()

export const POLICYEDITOR_FUNCTIONS = [
  editor(
    'get_header',
    'string',
    MESSAGE_STAGES,
    'the first field of that name, as one line',
    (call) => {
      const [value] = valuesOf(call, 'msg:header', [option(call, 'header')])
      return value ?? ''
    },
  ),
  editor('del_header', 'string', MESSAGE_STAGES, 'deletes the fields of a name', (call) => {
    const name = option(call, 'header')
    valuesOf(call, 'msg:header', [name, ''])
    return name
  }),
  editor('get_mailfrom', 'string', undefined, 'the envelope sender', (call) =>
    callMethod(call, 'msg:mailfrom', []),
  ),
  editor('get_rcptto', 'string', RECIPIENT_STAGES, 'the envelope recipient', (call) =>
    callMethod(call, 'msg:rcptto', []),
  ),
  editor('get_mess_recv_from', 'string', MESSAGE_STAGES, "the client's address, ip:port", (call) =>
    callMethod(call, 'msg:reception_peer', ['all']),
  ),
  editor('get_mess_recv_via', 'string', MESSAGE_STAGES, 'our address, ip:port', (call) =>
    callMethod(call, 'msg:listener_addr', ['all']),
  ),
  editor('vctx_mess_get', 'string | nil', undefined, 'a context variable of the message', (call) =>
    readVariable(call, 'message'),
  ),
  editor('vctx_mess_set', 'string', undefined, 'sets a context variable of the message', (call) =>
    writeVariable(call, 'message'),
  ),
  editor('vctx_conn_get', 'string | nil', undefined, 'a context variable of the session', (call) =>
    readVariable(call, 'connection'),
  ),
  editor('vctx_conn_set', 'string', undefined, 'sets a context variable of the session', (call) =>
    writeVariable(call, 'connection'),
  ),
  editor(
    'pcre_match',
    'boolean',
    undefined,
    'matches; sets the variables $0, $1 … and $name',
    matchInto,
  ),
  editor(
    'set_binding',
    'boolean',
    BINDING_STAGE,
    'the binding that this copy leaves by, one of `binding = "a,b"` at random',
    (call) => choose(call, 'msg:binding', option(call, 'binding')),
  ),
  editor(
    'set_binding_group',
    'boolean',
    BINDING_STAGE,
    'the group in which a binding is picked',
    (call) => choose(call, 'msg:binding_group', option(call, 'binding_group')),
  ),
  editor('get_variable', 'any', undefined, 'reads a variable', (call) =>
    call.vars.get(option(call, 'name')),
  ),
  editor('set_variable', 'any', undefined, 'sets a variable', (call) => {
    const value = call.options.get('value')
    call.vars.set(option(call, 'name'), value)
    return value
  }),
]

function editor(
  member: string,
  result: string,
  stages: readonly Stage[] | undefined,
  doc: string,
  run: (call: Call) => HostResult,
) {
  const name = `msys.policyeditor.${member}`
  return fn(
    name,
    [table('ctx'), table('vars'), table('options')],
    { result, tier: 2, ...(stages && { stages }), doc },
    (_, [ctx, vars, options], runtime) => run({ name, ctx, vars, options, runtime }),
  )
}

/** `$0` is the subject, not what matched, as in Momentum. */
function matchInto(call: Call): HostResult {
  const [subject, pattern] = [option(call, 'subject'), option(call, 'pattern')]
  return within(call.name, pattern, () => {
    const found = match(subject, pattern, spendTicks)
    if (found === undefined) return false
    if (found.kind === 'problem') {
      throw new LuaCallError(`${call.name}: ${found.message} at offset ${found.offset}`)
    }
    for (const [index, text] of found.groups.entries()) {
      call.vars.set(`$${index}`, index === 0 ? subject : text)
    }
    for (const [key, text] of found.named) call.vars.set(`$${key}`, text)
    return true
  })
}

function option({ name, options }: Call, key: string): string {
  const value = options.get(key)
  const text = asString(value)
  if (text !== undefined) return text
  throw new LuaCallError(
    `${name}: bad argument #3 (string expected, got ${typeName(value)}): options.${key}`,
  )
}

function messageOf({ name, ctx }: Call): MessageHandle {
  const message = asObject<MessageHandle>(ctx.get('ec_message'), 'message')
  if (message === undefined) {
    throw new LuaCallError(`${name}: bad argument #1 (message expected): ctx.ec_message`)
  }
  assertAlive(message)
  return message
}

/** What a method of the message gives. */
function callMethod(call: Call, method: string, args: readonly LuaValue[]): HostResult {
  const binding = MESSAGE.methods.find(({ name }) => name === method)
  return binding?.call(messageOf(call), args, call.runtime)
}

function valuesOf(call: Call, method: string, args: readonly LuaValue[]): readonly LuaValue[] {
  const result = callMethod(call, method, args)
  return Array.isArray(result) ? result : []
}

/** Whether one of the names in the list could be taken. */
function choose(call: Call, method: string, list: string): boolean {
  const names = list.split(',').map((name) => name.trim())
  const name = names[Math.floor(Math.random() * names.length)]
  const result = callMethod(call, method, [name])
  return Array.isArray(result) ? result[0] !== undefined : result !== undefined
}

/** A message in hand goes before the session of the callout. */
function contextOf(call: Call): Context {
  const message = asObject<MessageHandle>(call.ctx.get('ec_message'), 'message')
  if (message !== undefined) return messageOf(call).current.context
  const context = call.runtime.callSite()?.subject?.vctx.context
  if (context === undefined) throw new LuaCallError(`${call.name}: no message or session here`)
  return context
}

function readVariable(call: Call, which: keyof Context): HostResult {
  return contextOf(call)[which].get(option(call, 'key'))
}

function writeVariable(call: Call, which: keyof Context): HostResult {
  const value = option(call, 'value')
  contextOf(call)[which].set(option(call, 'key'), value)
  return value
}
