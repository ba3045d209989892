// How much of the policy ran: a table for people, and lcov's tracefile (geninfo(1)) for everybody else.
import type { FileCoverage } from '../lua/coverage.ts'

interface Share {
  readonly hit: number
  readonly all: number
}

/** A line for each file: lines, branches, and what did not run. `place` gives the name that is shown. */
export function coverageText(
  files: readonly FileCoverage[],
  place: (path: string) => string,
): string {
  if (files.length === 0) return 'coverage: no policy ran\n'
  const rows = files.map((file) => ({
    name: place(file.path),
    lines: linesOf(file),
    branches: branchesOf(file),
    missing: missingOf(file),
  }))
  const all = {
    name: 'all files',
    lines: sum(rows.map(({ lines }) => lines)),
    branches: sum(rows.map(({ branches }) => branches)),
    missing: '',
  }
  const width = Math.max(...[...rows, all].map(({ name }) => name.length), 4)
  const text = [...rows, all].map(({ name, lines, branches, missing }) =>
    `${name.padEnd(width)}  ${percent(lines)}  ${percent(branches)}  ${missing}`.trimEnd(),
  )
  return `${'file'.padEnd(width)}   lines  branches  not run\n${text.map((line) => `${line}\n`).join('')}`
}

/** Of the lines of all files, from 0 to 100. */
export function linePercent(files: readonly FileCoverage[]): number {
  const { hit, all } = sum(files.map(linesOf))
  return all === 0 ? 100 : (hit * 100) / all
}

export function lcovText(
  files: readonly FileCoverage[],
  sourceOf: (path: string) => readonly string[],
): string {
  return files.map((file) => recordOf(file, sourceOf(file.path))).join('')
}

function recordOf(file: FileCoverage, source: readonly string[]): string {
  const { path, lines, functions } = file
  const named = functions.map(({ line, entries }) => ({
    line,
    entries,
    name: nameAt(source, line),
  }))
  const [lineShare, branchShare] = [linesOf(file), branchesOf(file)]
  const records = [
    'TN:',
    `SF:${path}`,
    ...named.map(({ line, name }) => `FN:${line},${name}`),
    ...named.map(({ entries, name }) => `FNDA:${entries},${name}`),
    `FNF:${named.length}`,
    `FNH:${named.filter(({ entries }) => entries > 0).length}`,
    ...branchRecords(file),
    `BRF:${branchShare.all}`,
    `BRH:${branchShare.hit}`,
    ...[...lines].map(([line, hits]) => `DA:${line},${hits}`),
    `LF:${lineShare.all}`,
    `LH:${lineShare.hit}`,
    'end_of_record',
  ]
  return records.map((record) => `${record}\n`).join('')
}

/** Branches of a line are numbered; a condition that was never reached has no count. */
function branchRecords({ branches }: FileCoverage): string[] {
  let [line, block] = [0, 0]
  return branches.flatMap((branch) => {
    block = branch.line === line ? block + 1 : 0
    line = branch.line
    const isReached = branch.ways[0] + branch.ways[1] > 0
    return branch.ways.map(
      (taken, way) => `BRDA:${line},${block},${way},${isReached ? taken : '-'}`,
    )
  })
}

/** As it stands in the source; the line makes it unlike any other. */
function nameAt(source: readonly string[], line: number): string {
  const text = source[line - 1] ?? ''
  const [, name] =
    /\bfunction\s+([\w.:]+)/.exec(text) ?? /([\w.]+)\s*=\s*function\b/.exec(text) ?? []
  return name === undefined ? `anonymous:${line}` : `${name}:${line}`
}

function linesOf({ lines }: FileCoverage): Share {
  return { hit: [...lines.values()].filter((hits) => hits > 0).length, all: lines.size }
}

function branchesOf({ branches }: FileCoverage): Share {
  const ways = branches.flatMap((branch) => branch.ways)
  return { hit: ways.filter((taken) => taken > 0).length, all: ways.length }
}

function sum(shares: readonly Share[]): Share {
  const total = (key: keyof Share): number => shares.reduce((all, share) => all + share[key], 0)
  return { hit: total('hit'), all: total('all') }
}

/** Nothing to run is all of it. */
function percent({ hit, all }: Share): string {
  return `${(all === 0 ? 100 : Math.floor((hit * 1000) / all) / 10).toFixed(1)}%`.padStart(6)
}

/** Lines that did not run, neighbours together; conditions that went one way only, in brackets. */
function missingOf({ lines, branches }: FileCoverage): string {
  const numbers = [...lines.keys()]
  const spans: [number, number][] = []
  let isOpen = false
  for (const line of numbers) {
    const last = spans.at(-1)
    if ((lines.get(line) ?? 0) > 0) isOpen = false
    else if (isOpen && last) last[1] = line
    else {
      spans.push([line, line])
      isOpen = true
    }
  }
  const partial = branches
    .filter(({ line, ways }) => ways.includes(0) && (lines.get(line) ?? 0) > 0)
    .map(({ line }) => `[${line}]`)
  const whole = spans.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`))
  return [...whole, ...new Set(partial)].join(' ')
}
