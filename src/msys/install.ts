// Binds `msys.*`, `msg`, `vctx` and `ac` into a Lua state: what is implemented, and for everything else of
// the API a function that says so when it is called.
import type { HostFunction, LuaClass } from '../lua/binding.ts'
import type { LuaState } from '../lua/state.ts'
import type { LuaTable, LuaUserdata, LuaValue } from '../lua/value.ts'
import { LuaCallError } from '../lua/error.ts'
import type { Context } from '../mail/context.ts'
import { type Accept, getAcceptField, type SocketAddress, socketAddressText } from './accept.ts'
import { type Binding, binding, string, table } from './binding.ts'
import { CORE_CONSTANTS } from './constants.ts'
import { assertAlive, type Handle, type MessageHandle } from './handle.ts'
import { expandMacros } from './macro.ts'
import { getMessageField, MESSAGE_METHODS } from './message.ts'
import { EXTENSIONS, PENDING, UNAVAILABLE, UNAVAILABLE_MODULES } from './pending.ts'
import { getVctxField, setVctxField, VCTX_METHODS, type ValidationContext } from './vctx.ts'

export interface MsysHost {
  registerModule(name: string, callouts: LuaTable): void
  /** The dictionaries that belong to the callout that runs now; undefined outside one. */
  currentContext(): Context | undefined
}

/** Makes the userdata of what callouts receive. */
export interface MsysObjects {
  message(handle: MessageHandle): LuaUserdata
  vctx(vctx: ValidationContext): LuaUserdata
  accept(ac: Accept): LuaUserdata
  /** An ec_string: `tostring(str)` is its text. */
  ecString(text: string): LuaUserdata
  /** The node of the recipient list that the list callouts get: opaque, as in Momentum. */
  listNode(): LuaUserdata
}

export function installMsys(state: LuaState, host: MsysHost): MsysObjects {
  installModules(state, host)
  const socketAddress = state.defineClass<SocketAddress>({
    name: 'msys.core:_sockaddr',
    methods: {},
    text: socketAddressText,
  })
  const ecString = state.defineClass<{ readonly text: string }>({
    name: 'msys.core:_ec_string',
    methods: {},
    get: (self, key) => (key === 'buffer' ? self.text : undefined),
    text: (self) => self.text,
    length: (self) => self.text.length,
  })
  const listNode = state.defineClass<object>({ name: 'msys.core:_eclist_node', methods: {} })
  const message = defineHandle<MessageHandle>(state, {
    name: 'msys.core:_ec_message',
    prefix: 'msg',
    kind: 'message',
    bindings: MESSAGE_METHODS,
    get: getMessageField,
  })
  const vctx = defineHandle<ValidationContext>(state, {
    name: 'msys.core:_validate_context',
    prefix: 'vctx',
    kind: 'vctx',
    bindings: VCTX_METHODS,
    get: getVctxField,
    set: setVctxField,
  })
  const accept = defineHandle<Accept>(state, {
    name: 'msys.core:_accept_construct',
    prefix: 'ac',
    kind: 'ac',
    bindings: [],
    get: (self, key) => getAcceptField(self, key, (address) => socketAddress.wrap(address)),
  })
  return {
    message: (handle) => message.wrap(handle),
    vctx: (self) => vctx.wrap(self),
    accept: (self) => accept.wrap(self),
    ecString: (text) => ecString.wrap({ text }),
    listNode: () => listNode.wrap({}),
  }
}

interface HandleClass<T extends Handle> {
  readonly name: string
  /** As policy writes the object: `msg`. */
  readonly prefix: string
  readonly kind: string
  readonly bindings: readonly Binding<T>[]
  get(self: T, key: string): LuaValue
  set?(self: T, key: string, value: LuaValue): boolean
}

function defineHandle<T extends Handle>(state: LuaState, shape: HandleClass<T>): LuaClass<T> {
  const methods: Record<string, (self: T, ...args: LuaValue[]) => ReturnType<Binding<T>['call']>> =
    {}
  for (const [name, fail] of refusals(shape.prefix, ':')) methods[name] = fail
  for (const { name, call } of shape.bindings) {
    methods[name.slice(name.indexOf(':') + 1)] = (self, ...args) => {
      assertAlive(self, shape.kind)
      return call(self, args)
    }
  }
  const { name, get, set } = shape
  return state.defineClass<T>({ name, methods, get, ...(set && { set }) })
}

function installModules(state: LuaState, host: MsysHost): void {
  const functions: readonly Binding<void>[] = [
    binding('msys.registerModule', [string('name'), table('callouts')], (_, [name, callouts]) => {
      host.registerModule(name, callouts)
      return undefined
    }),
    binding('msys.expandMacro', [string('text')], (_, [text]) => {
      const context = host.currentContext()
      if (!context) throw new LuaCallError('msys.expandMacro: no message or session here')
      return expandMacros(text, context)
    }),
  ]
  const implemented = Object.fromEntries(
    functions.map(({ name, call }): [string, HostFunction] => [
      name.slice('msys.'.length),
      (...args) => call(undefined, args),
    ]),
  )
  const objects = new Set(['msg', 'vctx', 'ac'])
  const names = new Set([...Object.keys(PENDING), ...Object.keys(UNAVAILABLE)])
  for (const name of [...names].filter((module) => !objects.has(module)).sort()) {
    const refused = Object.fromEntries(refusals(name, '.'))
    const own = name === 'msys' ? implemented : name === 'msys.core' ? CORE_CONSTANTS : {}
    const missing = name === 'msys.core' ? { missing: refuseConstant } : {}
    state.defineModule(name, { ...refused, ...own }, missing)
  }
  for (const name of EXTENSIONS) state.defineModule(name, {})
  for (const [name, why] of Object.entries(UNAVAILABLE_MODULES)) {
    state.defineModule(name, {}, { missing: (key) => unavailable(name, key, why) })
  }
}

/** The functions of a module or object that raise when they are called. */
function refusals(module: string, joint: '.' | ':'): [string, () => never][] {
  const refuse = (name: string, why: string): [string, () => never] => [
    name,
    () => {
      throw new LuaCallError(`${module}${joint}${name}: ${why}`)
    },
  ]
  const pending = PENDING[module]?.split(' ') ?? []
  const unavailable = UNAVAILABLE[module]
  return [
    ...pending.map((name) => refuse(name, 'not implemented yet')),
    ...(unavailable?.names.split(' ') ?? []).map((name) =>
      refuse(name, `not available: ${unavailable?.why}`),
    ),
  ]
}

function unavailable(module: string, name: string, why: string): never {
  throw new LuaCallError(`${module}.${name}: not available: ${why}`)
}

/** A silent nil here would turn comparisons into wrong policy. */
function refuseConstant(key: string): never {
  throw new LuaCallError(`msys.core.${key} is not defined`)
}
