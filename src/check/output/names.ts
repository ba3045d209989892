// The names of the API that scripts use, each with where and how well it works: for reports.
import type { Checked } from '../check.ts'
import type { Use } from '../report.ts'

export interface UsedName extends Omit<Use, 'file' | 'line' | 'column'> {
  readonly places: readonly Use[]
}

/** What does not work first. */
export const SUPPORTS = ['missing', 'stub', 'unknown', 'partial', 'supported'] as const

/** What each way of being supported means, in words. */
export const SUPPORT_TEXTS: Readonly<Record<Use['support'], string>> = {
  supported: 'works',
  partial: 'works, with a difference',
  stub: 'belongs to another product: raises',
  missing: 'does not exist here: raises, is nil, or never runs',
  unknown: 'made at run time: nobody can tell',
}

export function usedNames({ uses }: Checked): UsedName[] {
  const byName = new Map<string, Use[]>()
  for (const use of uses) byName.set(use.name, [...(byName.get(use.name) ?? []), use])
  const names = [...byName.values()].flatMap((places) => {
    const [first] = places
    return first ? [{ ...first, places }] : []
  })
  const rank = ({ support }: UsedName): number => SUPPORTS.indexOf(support)
  return names.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
}

export function locate({ file, line, column }: Pick<Use, 'file' | 'line' | 'column'>): string {
  return line === 0 ? file : `${file}:${line}:${column}`
}
