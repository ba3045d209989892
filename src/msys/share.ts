// Values that all scripts of the process share. Momentum 3 manual pages "lua.ref.msys.shareGet",
// "lua.ref.msys.shareSet", "lua.ref.msys.shareUnset".
import type { LuaValue } from '../lua/value.ts'
import { declare } from './declaration.ts'
import { type Parameter, string } from './parameter.ts'
import type { SharedValue } from './shared/state.ts'

const fn = declare<undefined>()

/** Octets of a key. */
const LONGEST_KEY = 1_024

const SCALAR: Parameter<SharedValue | undefined> = {
  name: 'value',
  expects: 'string, number, boolean or nil',
  read: asScalar,
  absent: { value: undefined },
}

export const SHARE_FUNCTIONS = [
  fn(
    'msys.shareGet',
    [string('key')],
    { result: 'string | number | boolean | nil', tier: 2, doc: 'a value that scripts share' },
    (_, [key], { shared }) => shared.value(key),
  ),
  fn(
    'msys.shareSet',
    [string('key'), SCALAR],
    {
      result: 'boolean',
      tier: 2,
      doc: 'shares a value; false when there is no room for it',
      differs: '100,000 keys and 64 MB of values at most',
    },
    (_, [key, value], { shared }) => {
      if (key.length > LONGEST_KEY) return false
      if (value === undefined) return shared.apply({ kind: 'value unset', key })
      return shared.apply({ kind: 'value set', key, value })
    },
  ),
  fn(
    'msys.shareUnset',
    [string('key')],
    { result: 'nil', tier: 2, doc: 'removes it' },
    (_, [key], { shared }) => void shared.apply({ kind: 'value unset', key }),
  ),
]

function asScalar(value: LuaValue): SharedValue | undefined {
  return typeof value === 'object' ? undefined : value
}
