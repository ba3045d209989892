// Checks scripts without running them: what they use of the API and whether it is there, and what will go
// wrong. Pure but for `find`, which reads files.
import { buildProgram } from './build.ts'
import { type Finding, type Level, LEVELS } from './finding.ts'
import { type FindModule, loadScripts, type ScriptSource } from './load.ts'
import type { Report, Use } from './report.ts'
import { checkApi } from './rules/api.ts'
import { checkCallouts } from './rules/callouts.ts'
import { checkCalls } from './rules/calls.ts'
import { checkCopies } from './rules/copies.ts'
import { checkGlobals } from './rules/globals.ts'
import { checkNil } from './rules/nil.ts'
import { checkNumbers } from './rules/numbers.ts'

export interface Checked {
  readonly summary: Summary
  /** By file, line and column. */
  readonly findings: readonly Finding[]
  readonly uses: readonly Use[]
}

export interface Summary {
  readonly files: number
  readonly errors: number
  readonly warnings: number
  readonly infos: number
  /** Names of the API that are used, by how they are supported. */
  readonly names: Readonly<Record<Use['support'], number>>
  /** Per cent of them that work here, rounded down; files that do not load count as one name each. */
  readonly readiness: number
}

const RULES = [
  checkApi,
  checkCalls,
  checkGlobals,
  checkCallouts,
  checkNumbers,
  checkNil,
  checkCopies,
]

/** `others`: what is known to be wrong already, such as with the configuration. */
export function checkScripts(
  sources: readonly ScriptSource[],
  find: FindModule,
  others: readonly Finding[] = [],
): Checked {
  const { scripts, modules, findings, files } = loadScripts(sources, find)
  const program = buildProgram(scripts, modules)
  const report: Report = { findings: [...others, ...findings], uses: [] }
  for (const rule of RULES) rule(program, report)
  const sorted = dedupe(report.findings).sort(byPlace)
  const uses = dedupe(report.uses).sort(byPlace)
  return { summary: summarize(files, sorted, uses), findings: sorted, uses }
}

/** Whether a level is at or over another. */
export function reaches(level: Level, threshold: Level): boolean {
  return LEVELS.indexOf(level) <= LEVELS.indexOf(threshold)
}

function summarize(files: number, findings: readonly Finding[], uses: readonly Use[]): Summary {
  const count = (level: Level): number => findings.filter((one) => one.level === level).length
  const supports = new Map(uses.map(({ name, support }) => [name, support]))
  const names = { supported: 0, partial: 0, stub: 0, missing: 0, unknown: 0 }
  for (const support of supports.values()) names[support]++
  const broken = findings.filter(({ rule }) => rule === 'syntax').length
  const all = supports.size + broken
  const works = names.supported + names.partial
  return {
    files,
    errors: count('error'),
    warnings: count('warning'),
    infos: count('info'),
    names,
    readiness: all === 0 ? 100 : Math.floor((100 * works) / all),
  }
}

interface Located {
  readonly file: string
  readonly line: number
  readonly column: number
}

function byPlace(a: Located, b: Located): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}

function dedupe<T>(list: readonly T[]): T[] {
  return [...new Map(list.map((one) => [JSON.stringify(one), one])).values()]
}
