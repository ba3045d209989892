// For people at a terminal: findings by file, each with its place, then what is used of the API.
import type { Checked } from '../check.ts'
import type { Finding, Level } from '../finding.ts'
import { locate, SUPPORT_TEXTS, SUPPORTS, type UsedName, usedNames } from './names.ts'

export interface TextOptions {
  readonly isColoured: boolean
  /** Whether each place of each use is listed. */
  readonly showsUses: boolean
  /** Nothing but these findings. */
  readonly only: ((finding: Finding) => boolean) | undefined
}

type Paint = (code: number, text: string) => string

const COLOURS: Readonly<Record<Level, number>> = { error: 31, warning: 33, info: 36 }

export function plainText(checked: Checked, options: TextOptions): string {
  const paint: Paint = (code, text) =>
    options.isColoured ? `\u001b[${code}m${text}\u001b[0m` : text
  const shown = options.only ? checked.findings.filter(options.only) : checked.findings
  const parts = [findingsText(shown, paint)]
  if (!options.only)
    parts.push(usesText(checked, paint, options.showsUses), endText(checked, paint))
  return parts.filter(Boolean).join('\n')
}

function findingsText(findings: readonly Finding[], paint: Paint): string {
  const lines: string[] = []
  let file: string | undefined
  for (const one of findings) {
    if (file !== undefined && one.file !== file) lines.push('')
    file = one.file
    const level = paint(COLOURS[one.level], one.level)
    lines.push(`${paint(1, locate(one))}: ${level}: ${one.message} ${paint(2, `[${one.rule}]`)}`)
    if (one.doc !== '') lines.push(paint(2, `    ${one.doc}`))
  }
  return lines.map((line) => `${line}\n`).join('')
}

function usesText(checked: Checked, paint: Paint, showsUses: boolean): string {
  const names = usedNames(checked)
  const lines: string[] = []
  for (const support of SUPPORTS) {
    const these = names.filter((one) => one.support === support)
    if (these.length === 0) continue
    lines.push(`${paint(1, support)} (${SUPPORT_TEXTS[support]}): ${these.length}`)
    const isListed = support !== 'supported' || showsUses
    for (const one of these) if (isListed) lines.push(...nameLines(one, showsUses, paint))
  }
  return lines.map((line) => `${line}\n`).join('')
}

function nameLines(
  { name, instead, places }: UsedName,
  showsUses: boolean,
  paint: Paint,
): string[] {
  const [first, ...others] = places
  const more = others.length === 0 ? '' : ` and ${others.length} more`
  const where = first ? paint(2, ` ${locate(first)}${showsUses ? '' : more}`) : ''
  const head = `  ${name}${where}${instead === '' ? '' : `\n      ${instead}`}`
  return showsUses ? [head, ...others.map((use) => paint(2, `      ${locate(use)}`))] : [head]
}

function endText({ summary }: Checked, paint: Paint): string {
  const { files, errors, warnings, infos, names, readiness } = summary
  const used = Object.values(names).reduce((sum, count) => sum + count, 0)
  const counts = [
    count(errors, 'error'),
    count(warnings, 'warning'),
    ...(infos > 0 ? [count(infos, 'remark')] : []),
  ]
  const colour = errors > 0 ? 31 : warnings > 0 ? 33 : 32
  const head = `${count(files, 'file')}: ${counts.join(', ')}`
  const works = names.supported + names.partial
  return `${paint(colour, head)}\nreadiness ${readiness} %: ${works} of ${used} names of the API that are used work here\n`
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}
