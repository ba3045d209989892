// The tree after it is checked against the tables: a stanza holds typed values instead of text. What is
// unknown, misplaced or of the wrong type is a `ConfigError` (the first two a warning when lenient); what
// is known but not supported yet is left out with one warning per option or scope.
import { ConfigError, locate, mismatch, quote, type Place } from './error.ts'
import type { Option, Resolved, Table, Warn } from './schema/option.ts'
import { scopeRule, type ScopeRule } from './schema/scopes.ts'
import { rowsOf, type Row } from './schema/table.ts'
import type { Scope, Setting } from './tree.ts'

export interface Stanza {
  readonly kind: string
  readonly instance: string
  readonly place: Place
  readonly values: ReadonlyMap<Option<unknown>, Given>
  readonly stanzas: readonly Stanza[]
}

/** A value that the configuration gives, and where. */
interface Given {
  readonly value: unknown
  readonly place: Place
}

export interface Check {
  readonly lenient: boolean
  /** Where relative paths begin. */
  readonly folder: string
  readonly warn: Warn
}

/** Warnings `FILE:LINE: text`, each text once, at its first place. */
export function collectWarnings(): { readonly warn: Warn; readonly warnings: readonly string[] } {
  const texts = new Set<string>()
  const warnings: string[] = []
  const warn: Warn = (place, text) => {
    if (texts.has(text)) return
    texts.add(text)
    warnings.push(`${locate(place)}: ${text}`)
  }
  return { warn, warnings }
}

export function checkScope(scope: Scope, check: Check): Stanza {
  const values = new Map<Option<unknown>, Given>()
  for (const setting of scope.options.values()) {
    const row = findRow(setting, scope.kind, check)
    if (row?.support === 'honoured')
      values.set(row, { value: readValue(row, setting, check), place: setting.place })
    if (row?.support === 'known') warnKnown(setting.place, 'option', setting.name, check)
  }
  const stanzas = scope.scopes.flatMap((inner) => {
    const rule = findRule(inner, scope.kind, check)
    if (rule?.support === 'known') warnKnown(inner.place, 'scope', inner.kind, check)
    if (rule?.contents !== 'checked') return []
    return [checkScope(NOT_SMTP.includes(scope.kind) ? withoutSmtp(inner, check) : inner, check)]
  })
  const { kind, instance = '', place } = scope
  return { kind, instance, place, values, stanzas }
}

const NOT_SMTP = ['http_listener', 'control_listener']

/** In one that is not for SMTP, scopes that SMTP has too mean only what `enable` says: the rest is warned about. */
function withoutSmtp(inner: Scope, check: Check): Scope {
  if (inner.kind === 'peer') {
    warnKnown(inner.place, 'scope', inner.kind, check)
    return { ...inner, options: new Map(), scopes: [] }
  }
  const settings = [...inner.options]
  for (const [key, { name, place }] of settings) {
    if (key !== 'enable') warnKnown(place, 'option', name, check)
  }
  for (const { kind, place } of inner.scopes) warnKnown(place, 'scope', kind, check)
  return { ...inner, options: new Map(settings.filter(([key]) => key === 'enable')), scopes: [] }
}

/** The value of the first stanza that has one, else the default. */
export function valueOf<T>(option: Option<T>, chain: readonly Stanza[]): T {
  return givenFor(option, chain)?.value ?? option.fallback
}

/** The same with the stanza that has it, if one has. */
export function givenFor<T>(
  option: Option<T>,
  chain: readonly Stanza[],
): { readonly value: T; readonly place: Place; readonly stanza: Stanza } | undefined {
  for (const stanza of chain) {
    const given = stanza.values.get(option)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it was read by the option's type
    if (given) return { value: given.value as T, place: given.place, stanza }
  }
  return undefined
}

/** All options of a table, each on its own. */
export function resolveTable<T extends Table>(table: T, chain: readonly Stanza[]): Resolved<T> {
  const fields = Object.entries(table).map(([field, option]) => [field, valueOf(option, chain)])
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fields are those of the table
  return Object.fromEntries(fields) as Resolved<T>
}

export function stanzasOf(parent: Stanza, kind: string): readonly Stanza[] {
  return parent.stanzas.filter((stanza) => stanza.kind === kind)
}

function readValue(option: Option<unknown>, setting: Setting, check: Check): unknown {
  const { name, value } = setting
  const result = option.type.read(value, check.folder)
  if (result === undefined) {
    const { expected, isSecret, culprit } = option.type
    const faulty = culprit?.(value) ?? value
    const found = faulty.kind === 'text' ? quote(faulty.text) : `a ${faulty.kind}`
    const { place } = faulty === value ? setting : faulty
    throw new ConfigError(place, name, mismatch(expected, isSecret ? undefined : found))
  }
  option.inspect?.(value, check.warn)
  return result
}

function findRow(setting: Setting, kind: string, check: Check): Row | undefined {
  const { name, place } = setting
  const rows = rowsOf(name)
  const row = rows.find((candidate) => candidate.scopes.includes(kind))
  if (row) return row
  const problem = rows.length > 0 ? `not valid in ${kind}` : `unknown in ${kind}`
  if (check.lenient) {
    check.warn(place, `option ${quote(name)} is ${problem}: ignored`)
    return undefined
  }
  const valid = [...new Set(rows.flatMap(({ scopes }) => scopes))].join(', ')
  const expected = rows.length > 0 ? `it in ${valid}` : 'the name of an option, or --lenient'
  throw new ConfigError(place, name, `${problem}: ${mismatch(expected)}`)
}

function findRule(scope: Scope, parent: string, check: Check): ScopeRule | undefined {
  const { kind, place } = scope
  const rule = scopeRule(kind)
  if (rule?.parents.includes(parent)) {
    if (!rule.needsInstance || scope.instance) return rule
    throw new ConfigError(place, undefined, `scope ${quote(kind)}: expected a name before "{"`)
  }
  const problem = `scope ${quote(kind)} is ${rule ? 'not valid' : 'unknown'} in ${parent}`
  if (check.lenient) {
    check.warn(place, `${problem}: ignored`)
    return undefined
  }
  const expected = rule ? `it in ${rule.parents.join(', ')}` : 'the name of a scope, or --lenient'
  throw new ConfigError(place, undefined, `${problem}: ${mismatch(expected)}`)
}

function warnKnown(place: Place, what: string, name: string, check: Check): void {
  check.warn(place, `${what} ${quote(name)} is known but not supported yet: ignored`)
}
