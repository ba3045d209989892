// What people read: a line for each test, what failed with its place, and a summary.
import { toText } from '../mail/bytes.ts'
import { safe } from '../rehearsal/paint.ts'
import { countOf, type FileResult, type Outcome, type TestResult } from './suite.ts'

export interface Palette {
  good(text: string): string
  bad(text: string): string
  dim(text: string): string
}

const MARKS: Readonly<Record<Outcome['kind'], string>> = {
  passed: '✓',
  failed: '✗',
  skipped: '-',
}

/** The lines of a file; its groups are written once, above their tests. */
export function fileText({ file, tests }: FileResult, palette: Palette): string {
  let shown: readonly string[] = []
  const lines = tests.flatMap((test) => {
    const groups = test.path.slice(0, -1)
    const same = groups.findIndex((name, i) => name !== shown[i])
    const from = same < 0 ? groups.length : same
    shown = groups
    const heads = groups.slice(from).map((name, i) => `${pad(from + i + 1)}${name}`)
    return [...heads, ...testLines(test, palette)]
  })
  return [file, ...lines].map((line) => `${line}\n`).join('')
}

export function summaryText(files: readonly FileResult[], palette: Palette): string {
  const counts = (['failed', 'passed', 'skipped'] as const)
    .map((kind) => ({ kind, count: countOf(files, kind) }))
    .filter(({ kind, count }) => count > 0 || kind === 'passed')
  const tookMs = files.reduce((sum, file) => sum + file.tookMs, 0)
  const text = counts.map(({ kind, count }) => `${count} ${kind}`).join(', ')
  const colour = countOf(files, 'failed') > 0 ? palette.bad : palette.good
  return `${colour(text)} ${palette.dim(`(${(tookMs / 1000).toFixed(2)} s)`)}\n`
}

/** `file:line`, or what is known of it. */
export function placeOf(test: TestResult, file: string): string {
  const { outcome } = test
  const isFailure = outcome.kind === 'failed'
  const line = (isFailure ? outcome.line : undefined) ?? test.line
  const name = (isFailure ? outcome.file : undefined) ?? file
  return line === undefined ? name : `${name}:${line}`
}

function testLines(test: TestResult, palette: Palette): string[] {
  const { path, outcome, printed } = test
  const indent = pad(path.length)
  const colour = { passed: palette.good, failed: palette.bad, skipped: palette.dim }[outcome.kind]
  const why = outcome.kind === 'skipped' ? (outcome.isPending ? ' (pending)' : ' (skipped)') : ''
  const head = `${indent}${colour(`${MARKS[outcome.kind]} ${path.at(-1) ?? ''}${why}`)}`
  if (outcome.kind !== 'failed') return [head]
  const inner = `${indent}    `
  return [
    head,
    ...failureLines(test, '').map((line) => inner + line),
    ...printed.map((line) => palette.dim(`${inner}printed: ${safe(toText(line))}`)),
  ]
}

/** Place, message, and the calls that led there. */
export function failureLines(test: TestResult, file: string): string[] {
  const { outcome } = test
  if (outcome.kind !== 'failed') return []
  const [first = '', ...rest] = toText(outcome.text).split('\n').map(safe)
  const from = outcome.callers.map((place) => `  called at ${place}`)
  return [`${placeOf(test, file)}: ${first}`, ...rest, ...from]
}

function pad(depth: number): string {
  return '  '.repeat(depth)
}
