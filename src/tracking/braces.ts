// Macros that stand for curly braces. Momentum's manual (engagement tracking over SMTP) has senders write
// `{{opening_double_curly()}}` where their text shall say `{{`, because a substitution engine put the
// links in. Here nothing else is substituted: every other brace is itself.
import type { Cut } from './link.ts'

const MACRO = /\{\{\s*(opening|closing)_(single|double|triple)_curly\(\)\s*\}\}/g

/** Where macros stand in `masked`, with the braces that replace them. */
export function findMacros(masked: string): Cut[] {
  if (!masked.includes('{{')) return []
  return [...masked.matchAll(MACRO)].map(({ index, 0: macro }) => ({
    start: index,
    end: index + macro.length,
    text: expandMacros(macro),
  }))
}

export function expandMacros(text: string): string {
  if (!text.includes('{{')) return text
  return text.replace(MACRO, (_macro, side: string, number: string) =>
    (side === 'opening' ? '{' : '}').repeat(COUNTS[number] ?? 1),
  )
}

const COUNTS: Readonly<Record<string, number>> = { single: 1, double: 2, triple: 3 }
