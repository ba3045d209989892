// Binds the table of the API into a Lua state: classes, modules, constants, and for everything that is not
// implemented or not available a function that says so when it is called.
import type { HostFunction, HostMethod, LuaClass } from '../lua/binding.ts'
import { LuaCallError } from '../lua/error.ts'
import type { LuaState } from '../lua/state.ts'
import { isHandle, type LuaValue, multiple, objectIn } from '../lua/value.ts'
import { CORE_CONSTANTS } from './constants.ts'
import {
  type Binding,
  type Declaration,
  type FieldBinding,
  isMethod,
  memberOf,
  ownerOf,
} from './declaration.ts'
import { type ApiObject, assertAlive } from './handle.ts'
import { typeName } from './parameter.ts'
import type { Runtime, Services } from './runtime.ts'
import type { AnyShape } from './shape.ts'
import { API, CLASSES, CONSTANTS, EMPTY_MODULES, FUNCTIONS } from './table.ts'
import { UNAVAILABLE_MODULES } from './unavailable.ts'

/** Makes userdata of what callouts receive. */
export type Wrap = Runtime['wrap']

export function installMsys(state: LuaState, services: Services): Wrap {
  const classes = new Map<string, LuaClass<ApiObject>>()
  const runtime: Runtime = {
    ...services,
    newTable: (index) => state.newTable(index),
    newFunction: (name, call) => state.newFunction(name, call),
    call: (fn, args, options) => state.call(fn, args, options),
    protectedCall: protectedCaller(state),
    methodsOf(className) {
      const shape = CLASSES.find((one) => one.className === className)
      return shape && classes.get(shape.kind)?.methods
    },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- userdata are made of ApiObjects
    classOf: (value) => classNames.get((objectIn(value) as ApiObject | undefined)?.kind),
    wrap(object) {
      const found = classes.get(object.kind)
      if (!found) throw new TypeError(`no class for ${object.kind}`)
      return found.wrap(object)
    },
  }
  const absent = API.filter(({ support }) => support !== 'full')
  for (const shape of CLASSES) classes.set(shape.kind, defineClass(state, shape, absent, runtime))
  installModules(state, absent, runtime)
  return runtime.wrap
}

/** With Lua's own pcall, as it was before scripts could replace it. */
function protectedCaller(state: LuaState): Runtime['protectedCall'] {
  const pcall = state.getGlobal('pcall')
  if (!isHandle(pcall, 'function')) throw new TypeError('pcall is a function')
  return (run) => {
    const results = state.call(pcall, [run])
    return results instanceof Promise
      ? results.then((values) => multiple(...values))
      : multiple(...results)
  }
}

const classNames = new Map<string | undefined, string>(
  CLASSES.map(({ kind, className }) => [kind, className]),
)

function defineClass(
  state: LuaState,
  shape: AnyShape,
  absent: readonly Declaration[],
  runtime: Runtime,
): LuaClass<ApiObject> {
  const methods: Record<string, HostMethod<ApiObject>> = {}
  for (const declaration of absent) {
    if (isMethod(declaration) && ownerOf(declaration) === shape.prefix) {
      methods[memberOf(declaration)] = refusal(declaration, runtime)
    }
  }
  for (const binding of shape.methods) {
    methods[memberOf(binding)] = (self, ...args) => {
      assertAlive(self)
      return binding.call(self, args, runtime)
    }
  }
  const { text, length, iterate } = shape
  return state.defineClass<ApiObject>({
    name: shape.className,
    methods,
    ...fieldAccess(shape, absent, runtime),
    ...(text && { text: (self) => text(self) }),
    ...(length && { length: (self) => length(self) }),
    ...(iterate && { iterate: (self) => iterate(self, runtime) }),
  })
}

function fieldAccess(shape: AnyShape, absent: readonly Declaration[], runtime: Runtime) {
  const fields = new Map<LuaValue, FieldBinding<ApiObject>>(
    shape.fields.map((field) => [memberOf(field), field]),
  )
  const later = new Map<LuaValue, Declaration>(
    absent
      .filter((declaration) => !isMethod(declaration) && ownerOf(declaration) === shape.prefix)
      .map((declaration) => [memberOf(declaration), declaration]),
  )
  return {
    get(self: ApiObject, key: LuaValue): LuaValue {
      assertAlive(self)
      const field = fields.get(key)
      if (field) return field.get(self, runtime)
      if (shape.index) return shape.index(self, key, runtime)
      const absentField = later.get(key)
      if (absentField) return refuse(absentField, runtime)
      const name = typeof key === 'string' || typeof key === 'number' ? key : typeName(key)
      throw new LuaCallError(`${shape.prefix}.${name}: there is no such field or method`)
    },
    set(self: ApiObject, key: LuaValue, value: LuaValue): boolean {
      assertAlive(self)
      const field = fields.get(key)
      const absentField = later.get(key)
      if (absentField) return refuse(absentField, runtime)
      if (field?.set) field.set(self, value)
      else if (!field && shape.newIndex) shape.newIndex(self, key, value)
      else return false
      return true
    },
  }
}

function installModules(state: LuaState, absent: readonly Declaration[], runtime: Runtime): void {
  const modules = new Map<string, Record<string, HostFunction>>()
  const put = (declaration: Declaration, call: HostFunction): void => {
    const owner = ownerOf(declaration)
    const members = modules.get(owner) ?? {}
    members[memberOf(declaration)] = call
    modules.set(owner, members)
  }
  const isObject = new Set(CLASSES.map(({ prefix }) => prefix))
  for (const declaration of absent) {
    if (isMethod(declaration) || isObject.has(ownerOf(declaration))) continue
    if (declaration.parameters) put(declaration, refusal(declaration, runtime))
    else
      state.defineModule(ownerOf(declaration), {}, { missing: () => refuse(declaration, runtime) })
  }
  for (const binding of FUNCTIONS) put(binding, hostFunction(binding, runtime))
  for (const [name, members] of [...modules].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (name !== '') state.defineModule(name, members)
    else for (const [key, call] of Object.entries(members)) state.setGlobal(key, call)
  }
  state.defineModule('msys.core', CORE_CONSTANTS, { missing: refuseConstant })
  for (const [name, constants] of Object.entries(CONSTANTS)) state.defineModule(name, constants)
  for (const name of EMPTY_MODULES) state.defineModule(name, {})
  for (const [name, why] of Object.entries(UNAVAILABLE_MODULES)) {
    state.defineModule(name, {}, { missing: (key) => unavailable(`${name}.${key}`, why, runtime) })
  }
}

function hostFunction(binding: Binding<undefined>, runtime: Runtime): HostFunction {
  return (...args) => binding.call(undefined, args, runtime)
}

/**
 * Raises when it is called. What belongs to another product and is called while scripts load, such as a
 * registration, warns instead, so that the rest of the file loads.
 */
function refusal(declaration: Declaration, runtime: Runtime): () => undefined {
  let hasWarned = false
  return () => {
    if ((runtime.callSite()?.stage ?? 'load') !== 'load') return refuse(declaration, runtime)
    runtime.onUnsupported?.(declaration.name)
    if (!hasWarned) runtime.panic(textOf(declaration))
    hasWarned = true
    return undefined
  }
}

function refuse(declaration: Declaration, runtime: Runtime): never {
  runtime.onUnsupported?.(declaration.name)
  throw new LuaCallError(textOf(declaration))
}

function textOf({ name, doc }: Declaration): string {
  return `${name}: not available: ${doc}`
}

function unavailable(name: string, why: string, runtime: Runtime): never {
  runtime.onUnsupported?.(name)
  throw new LuaCallError(`${name}: not available: ${why}`)
}

/** A silent nil here would turn comparisons into wrong policy. */
function refuseConstant(key: string): never {
  throw new LuaCallError(`msys.core.${key} is not defined`)
}
