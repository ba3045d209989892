// Options by name, as the configuration gives them (Momentum console command "config": get, eval): for policy,
// which asks for what it knows by name. Values are the text of the file; secrets are not told.
import { quote } from './error.ts'
import { scopeRule } from './schema/scopes.ts'
import { rowsOf } from './schema/table.ts'
import type { Scope, Value } from './tree.ts'

export type Found =
  | { readonly kind: 'found'; readonly text: string }
  /** It is not set there, or not at all. */
  | { readonly kind: 'unset'; readonly text: string }
  /** What was asked for cannot be. */
  | { readonly kind: 'wrong'; readonly text: string }

/** `words`: scopes, each with its name if it has one, and the option. */
export type LookUp = (words: readonly string[], how: 'get' | 'eval') => Found

export interface Step {
  readonly kind: string
  readonly instance: string | undefined
}

export const NO_OPTIONS: LookUp = (words) => notSet(words.at(-1) ?? '', [])

export function lookUpIn(root: Scope): LookUp {
  return (words, how) => {
    const name = (words.at(-1) ?? '').toLowerCase()
    const path = readPath(words.slice(0, -1))
    if (!path) return { kind: 'wrong', text: `no scope is named ${quote(words.join(' '))}` }
    const rows = rowsOf(name)
    if (rows.length === 0) return { kind: 'wrong', text: `unknown option ${quote(name)}` }
    if (rows.some((row) => row.support === 'honoured' && row.type.isSecret === true)) {
      return { kind: 'wrong', text: `option ${quote(name)} is a secret` }
    }
    const names = rows.flatMap((row) => row.names)
    for (const steps of how === 'get' ? [path] : broader(path)) {
      const scope = steps.reduce<Scope | undefined>(scopeBelow, root)
      const setting = names.flatMap((each) => scope?.options.get(each) ?? []).at(-1)
      if (setting) return { kind: 'found', text: textOf(setting.value) }
    }
    const fallback = how === 'eval' ? fallbackOf(rows) : undefined
    return fallback === undefined ? notSet(name, path) : { kind: 'found', text: fallback }
  }
}

/** The scopes that words name; undefined when a word names none. */
export function readPath(words: readonly string[]): readonly Step[] | undefined {
  const steps: Step[] = []
  for (let at = 0; at < words.length; at++) {
    const kind = (words[at] ?? '').toLowerCase()
    const rule = scopeRule(kind)
    if (!rule) return undefined
    // One that may do without a name has one when no scope of that name could follow.
    const next = words[at + 1]
    const isNamed = rule.needsInstance || (next !== undefined && !scopeRule(next.toLowerCase()))
    if (isNamed) at++
    steps.push({ kind, instance: isNamed ? next : undefined })
  }
  return steps
}

/** The path, then without its first scopes, then what is around each, in Momentum's order. */
function broader(path: readonly Step[]): readonly (readonly Step[])[] {
  if (path.length === 0) return [[]]
  const [, ...inner] = path
  return [path, path.slice(0, -1), ...(inner.length > 0 ? [inner] : []), []]
}

function scopeBelow(scope: Scope | undefined, { kind, instance }: Step): Scope | undefined {
  const isSame = (name = ''): boolean =>
    instance === undefined || name.toLowerCase() === instance.toLowerCase()
  return scope?.scopes.find((one) => one.kind === kind && isSame(one.instance))
}

function textOf(value: Value): string {
  switch (value.kind) {
    case 'text':
      return value.text
    case 'list':
      return listText(value.items.map(({ text }) => text))
    case 'dictionary':
      return `[ ${[...value.entries].map(([key, each]) => `${key} = ${textOf(each)}`).join(' ')} ]`
  }
}

function listText(items: readonly string[]): string {
  return `( ${items.map((item) => `"${item}"`).join(' ')} )`
}

function fallbackOf(rows: ReturnType<typeof rowsOf>): string | undefined {
  const [fallback] = rows.flatMap((row) => (row.support === 'honoured' ? [row.fallback] : []))
  if (Array.isArray(fallback)) return listText(fallback.map(String))
  return ['string', 'number', 'boolean'].includes(typeof fallback) ? String(fallback) : undefined
}

function notSet(name: string, path: readonly Step[]): Found {
  const scope = path.map(({ kind, instance = '' }) => `${kind} ${instance}`.trim()).join(' ')
  return { kind: 'unset', text: `Option '${name}' is not set in scope '${scope}'.` }
}
