// `msys.expandMacro`: `%{namespace:name}` inside a text (Momentum: "apis-ec-interpolate-string",
// "lua.ref.msys.expandMacro"). Linear; a macro is not expanded again inside its value. `%%` is a percent
// sign, `%{name||text}` gives the text when the value is empty.
import { mailDate } from '../mail/date.ts'
import { type MacroFacts, messageMacro } from './messagemacro.ts'
import { spfMacro } from './spfmacro.ts'

const MACRO = /%(?:%|\{([^{}]*)\})/g
/** What may stand without a namespace: the envelope, by the names of its context variables. */
const ENVELOPE = /^(?:rcptto|mailfrom)(?:_localpart|_domain)?$/

/** Expands the macros of a byte string. `unknown` is told of each that has no value here; it becomes ''. */
export function expandMacros(
  text: string,
  facts: MacroFacts,
  unknown: (macro: string) => void,
): string {
  return text.replace(MACRO, (macro, body: string | undefined) => {
    if (body === undefined) return '%'
    const [, name = '', fallback = ''] = /^(.*?)(?:\|\|(.*))?$/s.exec(body) ?? []
    const value = macroValue(name, facts)
    if (value === undefined) unknown(macro)
    return value || fallback
  })
}

function macroValue(body: string, facts: MacroFacts): string | undefined {
  const { connection, message } = facts.context
  const colon = body.indexOf(':')
  const name = body.slice(colon + 1)
  switch (body.slice(0, Math.max(colon, 0))) {
    case 'vctx_conn':
      return connection.get(name) ?? ''
    case 'vctx_mess':
      return message.get(name) ?? ''
    case 'spfv1':
      return spfMacro(name, facts)
    case 'rfc822':
      return name === 'date' ? mailDate(facts.nowMs) : undefined
    case 'rfc2822':
      return messageMacro(name, facts)
    case '':
      return ENVELOPE.test(body) ? envelopeMacro(body, message) : spfMacro(body, facts)
    default:
      return undefined
  }
}

function envelopeMacro(name: string, message: ReadonlyMap<string, string>): string {
  if (name.includes('_')) return message.get(name) ?? ''
  const localpart = message.get(`${name}_localpart`) ?? ''
  return localpart && `${localpart}@${message.get(`${name}_domain`) ?? ''}`
}
