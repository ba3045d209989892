// What console commands answer with, and how they read numbers.
import type { Answer } from '../http/control.ts'

/** Undefined for what is no number. */
export function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,15}(?:\.\d+)?$/.test(text) ? Number(text) : undefined
}

export function said(text: string, data: unknown): Answer {
  return { isOk: true, text: text === '' ? '' : `${text}\n`, data }
}

export function lines(all: readonly string[], data: unknown): Answer {
  return { isOk: true, text: all.map((line) => `${line}\n`).join(''), data }
}

export function refusal(text: string): Answer {
  return { isOk: false, text: `${text}\n` }
}

export function usage(...lines: readonly (string | undefined)[]): Answer {
  return { isOk: false, text: lines.map((line) => `usage: ${line ?? ''}\n`).join('') }
}

export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  data: unknown,
  ...after: readonly string[]
): Answer {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  )
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return said([...lines, ...after].join('\n'), data)
}
