// For programs: `{ summary, findings, uses }`.
import type { Checked } from '../check.ts'

export function jsonText({ summary, findings, uses }: Checked): string {
  return `${JSON.stringify({ summary, findings, uses }, undefined, 2)}\n`
}
