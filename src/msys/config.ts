// `msys.config`: options by name, as the console command "config" has them (Momentum manual pages
// "lua.ref.msys.config", "console_commands.config").
import type { Live } from '../config/live.ts'
import { chargeTicks } from '../lua/budget.ts'
import { LuaCallError } from '../lua/error.ts'
import { multiple } from '../lua/value.ts'
import { declare } from './declaration.ts'
import { asString, type Parameter, rest, string } from './parameter.ts'

const NAME = 'msys.config'
const ACTIONS = ['get', 'eval', 'set', 'unset'] as const

/** Steps of Lua that reading the whole configuration anew takes. */
const CHANGE_TICKS = 50_000

/** Values may be booleans. */
const word: Parameter<string> = {
  name: 'scope',
  expects: 'string',
  read: (value) => (typeof value === 'boolean' ? String(value) : asString(value)),
}

export const CONFIG_FUNCTIONS = [
  declare<undefined>()(
    NAME,
    [string('action'), rest(word)],
    {
      result: 'string | nil, string',
      tier: 1,
      doc: 'an option by name, after the scopes that it is looked for in: `get` in that scope, `eval` also in broader ones and its default; `set` (with the value last) and `unset` change it until the next reload; and what the console would say',
      differs:
        '`set` changes how mail is received, in new sessions, and how it goes out, from the next attempt; options that are read once say by their names that they need a reload; with workers the others follow a moment later (0.05 s)',
    },
    (_, [action, words], { options }) => {
      const how = ACTIONS.find((one) => one === action.toLowerCase())
      if (!how) {
        throw new LuaCallError(`${NAME}: not available: ${action} (known: ${ACTIONS.join(', ')})`)
      }
      const count = how === 'set' ? 2 : 1
      if (words.length < count) {
        const missing = words.length === 0 ? 'option' : 'value'
        throw new LuaCallError(
          `${NAME}: bad argument #${words.length + 2} (string expected, got nil): ${missing}`,
        )
      }
      return how === 'set' || how === 'unset'
        ? change(options, how, words)
        : read(options, how, words)
    },
  ),
]

function read({ lookUp }: Live, how: 'get' | 'eval', words: readonly string[]) {
  const found = lookUp(words, how)
  if (found.kind === 'wrong') throw new LuaCallError(`${NAME}: ${found.text}`)
  if (found.kind === 'unset') return multiple(undefined, found.text)
  return multiple(found.text, `${words.at(-1)} = ${found.text}`)
}

function change(options: Live, how: 'set' | 'unset', words: readonly string[]) {
  chargeTicks(CHANGE_TICKS)
  const value = how === 'set' ? words.at(-1) : undefined
  const path = (how === 'set' ? words.slice(0, -1) : words).filter((one) => one !== '=')
  const changed = options.change(path, value)
  if (changed.kind === 'wrong') throw new LuaCallError(`${NAME}: ${how}: ${changed.text}`)
  return multiple(value, changed.text)
}
