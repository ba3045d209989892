// What a declaration says of a function's results, taken apart: `string | nil, error` are alternatives,
// each with a type for every result.

/** The possible types of each result, in order; a result that is missing in an alternative is nil there. */
export function resultTypes(result: string): readonly (readonly string[])[] {
  const alternatives = split(result, '|').map((one) => split(one, ','))
  const count = Math.max(...alternatives.map((types) => types.length))
  return Array.from({ length: count }, (_, at) => [
    ...new Set(alternatives.map((types) => types[at] ?? 'nil')),
  ])
}

/** The fields of `{ name: type, … }`, undefined for any other type. */
export function fieldTypes(type: string): ReadonlyMap<string, string> | undefined {
  const inner = /^\{ (.*) \}$/.exec(type)?.[1]
  if (inner === undefined) return undefined
  return new Map(
    inner.split(', ').map((field) => {
      const [name = '', of = 'any'] = field.split(': ')
      return [name, of]
    }),
  )
}

// Not inside braces.
function split(text: string, separator: string): string[] {
  const parts: string[] = []
  let depth = 0
  let part = ''
  for (const character of text) {
    if (character === '{') depth++
    if (character === '}') depth--
    if (character === separator && depth === 0) {
      parts.push(part.trim())
      part = ''
    } else part += character
  }
  return [...parts, part.trim()]
}
