// Types of the table of the API as LuaLS writes them.
import { CLASSES } from '../../msys/table.ts'
import { fieldTypes, resultTypes } from '../../msys/result.ts'
import { objectOf } from '../catalogue.ts'

/** The class of the objects of a prefix: `part` for `msgpart`. */
export function className(prefix: string): string {
  return CLASSES.find((shape) => shape.prefix === prefix)?.kind ?? prefix
}

/** What a parameter takes: `string`, `string|function`, `'ip'|'port'`. */
export function parameterType(expects: string | undefined): string {
  if (expects === undefined) return 'any'
  const parts = expects.split(/, | or /).map((part) => {
    if (part.startsWith('msys.')) return 'integer'
    if (part === 'table of strings') return 'string[]'
    return word(part)
  })
  return [...new Set(parts)].join('|')
}

/** The types of a function's results, one line for each. */
export function returnTypes(result: string): string[] {
  if (result === 'nil') return []
  return resultTypes(result).map((types) => {
    const some = types.filter((type) => type !== 'nil').map(word)
    const all = some.length === 0 ? ['nil'] : [...new Set(some)]
    const text = all.join('|')
    if (some.length === 0 || some.length === types.length || text.endsWith('?')) return text
    return all.length === 1 ? `${text}?` : `${text}|nil`
  })
}

const WORDS: Readonly<Record<string, string>> = {
  value: 'any',
  any: 'any',
  '...': '...any',
  iterator: 'fun(): any',
  function: 'function',
  error: 'string?',
  code: 'integer?',
  offset: 'integer?',
  results: 'userdata',
}

const PLAIN = /^(?:string|number|boolean|table|userdata|true|false|nil|-?\d+|string\[\]|'.*')$/

function word(type: string): string {
  const known = WORDS[type]
  if (known !== undefined) return known
  if (PLAIN.test(type)) return type
  const fields = fieldTypes(type)
  if (fields) return `{ ${[...fields].map(([name, of]) => `${name}: ${word(of)}`).join(', ')} }`
  const prefix = objectOf(type)
  return prefix === undefined ? 'userdata' : className(prefix)
}
