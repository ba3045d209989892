// The options of `eachrcpt test`.
import { readOptions } from './options.ts'

export interface TestOptions {
  /** The current folder unless given. */
  readonly paths: readonly string[]
  readonly filter: string | undefined
  readonly coverage: boolean
  /** Percent of the lines that must have run. */
  readonly coverageMin: number
  readonly lcov: string | undefined
  readonly junit: string | undefined
  readonly github: boolean
  readonly watch: boolean
  readonly quiet: boolean
  readonly timeoutMs: number
}

export const TEST_USAGE = `usage: eachrcpt test [options] [PATH…]

Runs tests of policy that are written in Lua. PATH is a file, a folder
with *_test.lua, *.test.lua or *_spec.lua, or - for standard input; the
current folder if there is none.

  --filter TEXT    only tests whose group or name has TEXT in it
  --coverage       lines and branches of the policy that ran
  --coverage-min N exit 1 when less than N percent of the lines ran
  --lcov FILE      the same for other tools, as an lcov tracefile
  --junit FILE     results as JUnit XML
  --github         annotations for GitHub Actions (on by GITHUB_ACTIONS)
  --timeout SEC    what one test may take (30)
  --watch          run again whenever a .lua, .conf or .eml file changes
  --quiet          only files in which a test failed

Exits 1 when a test fails, 66 when there is nothing to run.
`

/** A text: what is wrong. */
export function readTestOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): TestOptions | string {
  const given = readOptions(args, { values: VALUES, flags: FLAGS })
  if (typeof given === 'string') return given
  const { words: paths, values, flags } = given
  if (flags.has('--help')) return 'help'
  const seconds = Number(values.get('--timeout') ?? 30)
  if (!(seconds > 0)) return '--timeout: seconds were expected'
  const coverageMin = Number(values.get('--coverage-min') ?? 0)
  if (!(coverageMin >= 0 && coverageMin <= 100)) return '--coverage-min: 0 to 100 was expected'
  if (flags.has('--watch') && paths.includes('-'))
    return '--watch: standard input cannot be watched'
  return {
    paths: paths.length > 0 ? paths : ['.'],
    filter: values.get('--filter'),
    coverage: flags.has('--coverage') || coverageMin > 0,
    coverageMin,
    lcov: values.get('--lcov'),
    junit: values.get('--junit'),
    github: flags.has('--github') || environment['GITHUB_ACTIONS'] === 'true',
    watch: flags.has('--watch'),
    quiet: flags.has('--quiet'),
    timeoutMs: seconds * 1000,
  }
}

const FLAGS = ['--coverage', '--github', '--watch', '--quiet']
const VALUES = ['--filter', '--coverage-min', '--lcov', '--junit', '--timeout']
