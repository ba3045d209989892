// SARIF 2.1.0, which code hosts show beside the changed lines (OASIS Standard, "Static Analysis Results
// Interchange Format").
import type { Checked } from '../check.ts'
import { type Finding, type Level, RULES, type RuleId } from '../finding.ts'

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json'
const LEVELS: Readonly<Record<Level, string>> = { error: 'error', warning: 'warning', info: 'note' }

export function sarifText({ findings }: Checked, version: string): string {
  const ids = Object.keys(RULES).filter((id): id is RuleId =>
    findings.some(({ rule }) => rule === id),
  )
  const rules = ids.map((id) => ({
    id,
    shortDescription: { text: RULES[id][1] },
    defaultConfiguration: { level: LEVELS[RULES[id][0]] },
  }))
  const driver = { name: 'eachrcpt', semanticVersion: version, rules }
  const results = findings.map((one) => resultOf(one, ids.indexOf(one.rule)))
  const run = { tool: { driver }, columnKind: 'unicodeCodePoints', results }
  return `${JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs: [run] }, undefined, 2)}\n`
}

function resultOf(one: Finding, ruleIndex: number) {
  const { file, line, column, level, rule, message, doc } = one
  const region = { startLine: Math.max(line, 1), startColumn: Math.max(column, 1) }
  const artifactLocation = { uri: uriOf(file) }
  return {
    ruleId: rule,
    ruleIndex,
    level: LEVELS[level],
    message: { text: doc === '' ? message : `${message}\n${doc}` },
    locations: [{ physicalLocation: { artifactLocation, region } }],
  }
}

/** A relative reference stays one: code hosts resolve it from the top of the repository. */
function uriOf(file: string): string {
  const path = file.split('/').map(encodeURIComponent).join('/')
  return file.startsWith('/') ? `file://${path}` : path
}
