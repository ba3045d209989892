// Runs the measurements, one after the other, and writes what they came to: `results.json`, the table of
// README.md and a drawing. Ratios are compared with those of the committed results. Run:
//   npm run bench                       all
//   npm run bench -- spool endtoend     some; nothing is written
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { drawing } from './drawing.ts'
import type { Result } from './result.ts'
import { YOUNG } from './servers.ts'

const PROGRAMS = [
  'intake',
  'reception',
  'endtoend',
  'transform',
  'endpoint',
  'lua',
  'interpreter',
  'suspension',
  'spool',
  'recovery',
  'relay',
  'idle',
  'siege',
  'memory',
  'startup',
]
const RESULTS = 'test/bench/results.json'
const README = 'test/bench/README.md'
/** A ratio may be that much worse before it is told; machines are not quiet. */
const TOLERANCE = 0.15

const chosen = process.argv.slice(2)
const [single = '', ...rest] = chosen
if (chosen.length > 0 && rest.some((each) => !PROGRAMS.includes(each))) {
  // One program with arguments of its own.
  run(single, rest)
} else {
  measure(chosen.length > 0 ? chosen : PROGRAMS)
}

function measure(programs: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-results-'))
  const file = join(folder, 'results')
  writeFileSync(file, '')
  for (const program of programs) {
    console.log(`\n== ${program}`)
    run(program, [], file)
  }
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  rmSync(folder, { recursive: true })
  const results = lines.map((line) => JSON.parse(line) as Result)
  console.log(`\n${table(results)}`)
  tellWorse(results)
  if (programs !== PROGRAMS) return
  writeFileSync(RESULTS, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`)
  writeFileSync('test/bench/results.svg', drawing(results))
  const readme = readFileSync(README, 'utf8')
  const part = `<!-- results -->\n\n${machine()}\n\n${table(results)}\n\n<!-- /results -->`
  writeFileSync(
    README,
    readme.replace(/<!-- results -->[^]*<!-- \/results -->/, () => part),
  )
}

function run(program: string, args: readonly string[], file?: string): void {
  const path = new URL(`${program}.js`, import.meta.url).pathname
  const { status } = spawnSync(process.execPath, [...YOUNG, '--expose-gc', path, ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...(file !== undefined && { BENCH_RESULTS: file }) },
  })
  if (status !== 0) console.log(`${program} failed (${status})`)
}

function table(results: readonly Result[]): string {
  const rows = results.map(({ name, value, unit, goal }) => {
    const held = goal ? `${goal[0]} ${goal[1].toLocaleString('en')}` : ''
    return `| ${name} | ${figure(value)} ${unit} | ${held} | ${isHeld(value, goal) ? '' : 'missed'} |`
  })
  return ['| measured | value | goal | |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}

function isHeld(value: number, goal: Result['goal']): boolean {
  return !goal || (goal[0] === 'at least' ? value >= goal[1] : value <= goal[1])
}

/** Only ratios: they are what two days have in common. */
function tellWorse(results: readonly Result[]): void {
  const committed = JSON.parse(readFileSync(RESULTS, 'utf8')) as { results: readonly Result[] }
  const before = new Map(committed.results.map((each) => [each.name, each]))
  for (const { name, value, unit, goal } of results) {
    const old = unit === 'x' ? before.get(name) : undefined
    if (!old) continue
    const change = goal?.[0] === 'at most' ? value / old.value : old.value / value
    if (change > 1 + TOLERANCE) {
      console.log(`worse than committed: ${name}, ${figure(value)} (was ${figure(old.value)})`)
    }
  }
}

function machine(): string {
  const [cpu] = cpus()
  const version = (command: string): string => {
    try {
      return execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: 'pipe' }).trim()
    } catch {
      return 'none'
    }
  }
  return (
    `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, Linux ${release()}, ` +
    `${cpus().length} cores (${cpu?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB; ` +
    `Postfix ${version('postconf -h mail_version')}, Haraka 3.3.4, ${version('lua5.1 -v 2>&1').split('  ')[0]}`
  )
}
