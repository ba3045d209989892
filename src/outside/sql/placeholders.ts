// What stands for values in a statement: `?` in their order, `:name` and `$name`; `??` is a question mark. Texts,
// quoted names and comments are left alone, and so are casts (`::`).
import type { SqlStatement, SqlValue } from '../outside.ts'

export interface Rendered {
  readonly text: string
  /** One for each placeholder of `text`. */
  readonly values: readonly SqlValue[]
}

/** How a driver writes the placeholder of the value with this number, from 1. */
export type Placeholder = (number: number) => string

const QUOTED = `'(?:[^']|'')*'?`
/** As MySQL has it by default. */
const BACKSLASHED = `'(?:[^'\\\\]|\\\\[\\s\\S]|'')*'?`
const REST =
  `|"(?:[^"]|"")*"?|\`[^\`]*\`?|--[^\\n]*|/\\*[\\s\\S]*?(?:\\*/|$)` +
  `|\\$([A-Za-z_]\\w*)?\\$[\\s\\S]*?(?:\\$\\1\\$|$)|::|:=` +
  `|(\\?\\?)|(\\?)|[:$]([A-Za-z_]\\w*)|\\$(\\d+)`

const PATTERNS = {
  standard: new RegExp(QUOTED + REST, 'g'),
  mysql: new RegExp(`#[^\\n]*|${BACKSLASHED}${REST}`, 'g'),
}

export function renderSql(
  { sql, params }: Pick<SqlStatement, 'sql' | 'params'>,
  dialect: keyof typeof PATTERNS,
  placeholder: Placeholder,
): Rendered {
  const values: SqlValue[] = []
  let position = 0
  const text = sql.replaceAll(
    PATTERNS[dialect],
    (
      piece: string,
      _tag: string | undefined,
      mark: string | undefined,
      question: string | undefined,
      name: string | undefined,
      number: string | undefined,
    ) => {
      if (mark !== undefined) return '?'
      const key = question === undefined ? (name ?? number) : String(++position)
      if (key === undefined) return piece
      values.push(valueOf(params, key))
      return placeholder(values.length)
    },
  )
  return { text, values }
}

function valueOf(params: SqlStatement['params'], key: string): SqlValue {
  if ('get' in params) return params.get(key) ?? null
  return params[Number(key) - 1] ?? null
}
