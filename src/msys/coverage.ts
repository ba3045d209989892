// The coverage table of lua/README.md, made from the table of the API. Pure.
import { type Declaration, ownerOf, signatureOf } from './declaration.ts'
import { type Documented, isHere } from './documented.ts'
import { API } from './table.ts'

const MARKS = { full: 'yes', unavailable: 'no' } as const

/** Markdown: a line of figures, then one table for each module or object. */
export function coverage(documented: readonly Documented[]): string {
  const byOwner = new Map<string, Declaration[]>()
  for (const declaration of API) {
    const owner = ownerOf(declaration)
    byOwner.set(owner, [...(byOwner.get(owner) ?? []), declaration])
  }
  const sections = [...byOwner]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([owner, declarations]) => section(owner, declarations))
  return [figures(documented), ...sections].join('\n\n')
}

function figures(documented: readonly Documented[]): string {
  const rows = documented.filter(({ tier }) => tier < 3)
  const never = documented.length - rows.length
  const names = API.filter(({ support }) => support === 'full')
  return [
    `Of what Momentum documents for mail policy, ${rows.filter(isHere).length} of ${rows.length} rows work; ${never} more belong to other products or to the inside of Momentum and say so.`,
    `With what has no page there, methods and fields each counted, these are ${names.length} names.`,
  ].join(' ')
}

function section(owner: string, declarations: readonly Declaration[]): string {
  const rows = declarations.map((declaration) => {
    const { result, support, stages, doc, differs } = declaration
    const text = [doc, differs && `Differs: ${differs}`].filter(Boolean).join('. ')
    const cells = [
      `\`${signatureOf(declaration)}\``,
      code(result),
      MARKS[support],
      where(stages),
      text,
    ]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  const head = ['| name | gives | here | stages | |', '| --- | --- | --- | --- | --- |']
  return [`### ${owner}`, '', ...head, ...rows].join('\n')
}

function code(result: string): string {
  return `\`${result}\``
}

function where(stages: Declaration['stages']): string {
  return stages === undefined ? 'any' : stages.join(', ')
}
