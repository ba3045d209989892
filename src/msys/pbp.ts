// `msys.pbp`: whitelists that one check of a policy sets and others honour, seen in Momentum's default policy and in
// published ones; a context variable `dp_whitelist_<name>` each. The other helpers are in fcdns.ts.
import type { LuaTable } from '../lua/value.ts'
import { declare } from './declaration.ts'
import { dictionary } from './dictionary.ts'
import type { ValidationContext } from './handle.ts'
import { boolean, isTable, object, string, table } from './parameter.ts'
import { storeVariable } from './vctx.ts'

const fn = declare<undefined>()

const VCTX = object<ValidationContext>('vctx', 'vctx')
const PREFIX = 'dp_whitelist_'

export const PBP_FUNCTIONS = [
  fn(
    'msys.pbp.check_whitelist',
    [VCTX, table('config')],
    {
      result: 'boolean',
      tier: 2,
      doc: 'whether a whitelist of the list, or of its `honor_whitelist`, is set for this connection or message',
    },
    (_, [{ context }, config]) =>
      namesOf(config).some(
        (name) => context.connection.has(PREFIX + name) || context.message.has(PREFIX + name),
      ),
  ),
  fn(
    'msys.pbp.set_whitelist',
    [VCTX, dictionary, string('name'), boolean('value')],
    {
      result: 'nil',
      tier: 2,
      doc: 'sets a whitelist for this connection or message, or unsets it',
    },
    (_, [vctx, which, name, value]) =>
      storeVariable(vctx, which, PREFIX + name, value ? 'true' : undefined),
  ),
]

function namesOf(config: LuaTable): string[] {
  const honoured = config.get('honor_whitelist')
  const list = isTable(honoured) ? honoured : config
  return [...list.entries()].flatMap(([key, name]) =>
    typeof key === 'number' && typeof name === 'string' ? [name] : [],
  )
}
