// What rules write their findings to.
import { type Details, type Finding, finding, type RuleId } from './finding.ts'
import { placeOf, type Script } from './program.ts'
import type { Support } from './catalogue.ts'

/** A name of the API where policy uses it. */
export interface Use {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly name: string
  readonly kind: 'function' | 'field' | 'constant' | 'module' | 'callout'
  readonly support: Support | 'unknown'
  /** What happens instead, or differs from Momentum. */
  readonly instead: string
  readonly doc: string
}

export interface Report {
  readonly findings: Finding[]
  readonly uses: Use[]
}

/** Adds a finding at an octet of a script. */
export function tell(
  report: Report,
  rule: RuleId,
  [script, at]: readonly [script: Script, at: number],
  message: string,
  details?: Details,
): void {
  report.findings.push(finding(rule, placeOf(script, at), message, details))
}

export function tellUse(
  report: Report,
  [script, at]: readonly [script: Script, at: number],
  use: Omit<Use, 'file' | 'line' | 'column'>,
): void {
  report.uses.push({ ...placeOf(script, at), ...use })
}
