// The list of everything that Momentum documents for policy (test/corpus/lua-api.tsv), against the table of
// the API. Pure.
import { type Declaration, isMethod, ownerOf } from './declaration.ts'
import { API } from './table.ts'
import { UNAVAILABLE_MODULES } from './unavailable.ts'

export interface Documented {
  readonly title: string
  readonly tier: number
  /** The names that the row stands for; `x.*` for the fields of an object. */
  readonly names: readonly string[]
}

/** The rows of the list: name, what to require, tier, kind, phases, with tabs between. */
export function readDocumented(text: string): readonly Documented[] {
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [title = '', , tier = ''] = line.split('\t')
      return { title, tier: Number(tier.slice(1)), names: namesOf(title) }
    })
}

/** What stands in the table for a name of the list; undefined: nothing. */
export function findDocumented(name: string): Pick<Declaration, 'support' | 'tier'> | undefined {
  if (!name.endsWith('.*')) return BY_NAME.get(name)
  const owner = name.slice(0, -2)
  if (owner in UNAVAILABLE_MODULES) return { support: 'unavailable', tier: 3 }
  return API.find((declaration) => ownerOf(declaration) === owner && !isMethod(declaration))
}

/** Whether all names of a row work. */
export function isHere({ names }: Documented): boolean {
  return names.every((name) => findDocumented(name)?.support === 'full')
}

const BY_NAME = new Map(API.map((declaration) => [declaration.name, declaration]))

/** `a:b / c (UNDOC)` names `a:b` and `a:c`; `x fields` names any field of `x`. */
function namesOf(title: string): string[] {
  const [, object] = /^(\w+)(?: other)? fields$/.exec(title) ?? []
  if (object) return [`${object}.*`]
  const text = title.replace(/ =.*| \(.*| etc\..*/, '').replace(/(\w+_)get\/set$/, '$1get / $1set')
  const names = text.split(' / ')
  const owner = names[0]?.replace(/[^.:]*$/, '') ?? ''
  return names.map((name) => (/[.:]/.test(name) ? name : owner + name))
}
