// `msys.expandMacro`: `%{namespace:name}` inside a text (Momentum: "apis-ec-interpolate-string").
// Linear; a macro is not expanded again inside its value.
import { LuaCallError } from '../lua/error.ts'
import type { Context } from '../mail/context.ts'

const MACRO = /%(?:%|\{([^{}]*)\})/g

/** Expands the macros of a byte string. One that is not known here raises and is named. */
export function expandMacros(text: string, context: Context): string {
  return text.replace(MACRO, (macro, body: string | undefined) =>
    body === undefined ? '%' : macroValue(macro, body, context),
  )
}

function macroValue(macro: string, body: string, context: Context): string {
  const colon = body.indexOf(':')
  const key = body.slice(colon + 1)
  if (body.startsWith('vctx_conn:')) return context.connection.get(key) ?? ''
  if (body.startsWith('vctx_mess:')) return context.message.get(key) ?? ''
  throw new LuaCallError(`msys.expandMacro: ${macro} is not implemented yet`)
}
