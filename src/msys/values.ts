// What `msys` says of values: their classes, and the methods of a class.
// Momentum manual pages "lua.ref.msys.type", "lua.ref.msys.cast", "lua.ref.msys.getClassMetaTable".
import { LuaCallError } from '../lua/error.ts'
import { declare } from './declaration.ts'
import { any, string, typeName } from './parameter.ts'
import type { Runtime } from './runtime.ts'

const fn = declare<undefined>()

export const VALUE_FUNCTIONS = [
  fn(
    'msys.type',
    [any('value')],
    { result: 'string', tier: 2, doc: 'like type, and names the class of an object' },
    (_, [value], { classOf }) => {
      if (value === undefined) return 'nil'
      if (typeof value !== 'object' || !('kind' in value)) return typeof value
      return classOf(value) ?? value.kind
    },
  ),
  fn(
    'msys.cast',
    [any('value'), string('class')],
    {
      result: 'userdata',
      tier: 2,
      doc: 'the value, which must be of that class',
      differs: 'an object of another class is refused instead of taken for one',
    },
    (_, [value, className], runtime) => {
      const own = runtime.classOf(value)
      methodsOf('msys.cast', className, runtime)
      if (own === className) return value
      throw new LuaCallError(`msys.cast: ${own ?? typeName(value)} is not ${className}`)
    },
  ),
  fn(
    'msys.getClassMetaTable',
    [string('class')],
    {
      result: 'table',
      tier: 2,
      doc: 'the methods of a class: a function put there, or into its __index, is a method of all its objects',
    },
    (_, [className], runtime) => {
      const methods = methodsOf('msys.getClassMetaTable', className, runtime)
      if (methods.get('__index') === undefined) methods.set('__index', methods)
      return methods
    },
  ),
]

function methodsOf(name: string, className: string, { methodsOf: find }: Runtime) {
  const methods = find(className)
  if (methods === undefined) throw new LuaCallError(`${name}: there is no class '${className}'`)
  return methods
}
