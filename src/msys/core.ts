// The functions of `msys` itself.
import { LuaCallError } from '../lua/error.ts'
import { declare } from './declaration.ts'
import { expandMacros } from './macro.ts'
import { string, table } from './parameter.ts'
import { LOAD_STAGE } from './stage.ts'

const fn = declare<undefined>()

export const CORE_FUNCTIONS = [
  fn(
    'msys.registerModule',
    [string('name'), table('callouts')],
    { result: 'nil', tier: 1, stages: LOAD_STAGE, doc: 'registers callouts under a name' },
    (_, [name, callouts], { registerModule }) => registerModule(name, callouts),
  ),
  fn(
    'msys.expandMacro',
    [string('text')],
    { result: 'string', tier: 1, doc: 'expands `%{namespace:name}` in a text' },
    (_, [text], { callSite }) => {
      const context = callSite()?.subject?.vctx.context
      if (!context) throw new LuaCallError('msys.expandMacro: no message or session here')
      return expandMacros(text, context)
    },
  ),
]
