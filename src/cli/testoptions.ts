// The options of `eachrcpt test`.

export interface TestOptions {
  /** The current folder unless given. */
  readonly paths: readonly string[]
  readonly filter: string | undefined
  readonly coverage: boolean
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
  const paths: string[] = []
  const values = new Map<string, string>()
  const flags = new Set<string>()
  for (let i = 0; i < args.length; i++) {
    const [name, given] = splitOption(args[i] ?? '')
    if (name === '--help') return 'help'
    if (!name.startsWith('--')) paths.push(name)
    else if (FLAGS.has(name)) flags.add(name)
    else if (VALUES.has(name)) {
      const value = given ?? args[++i]
      if (value === undefined) return `${name}: a value is missing`
      values.set(name, value)
    } else return `unknown option ${name}`
  }
  const seconds = Number(values.get('--timeout') ?? 30)
  if (!(seconds > 0)) return '--timeout: seconds were expected'
  if (flags.has('--watch') && paths.includes('-'))
    return '--watch: standard input cannot be watched'
  return {
    paths: paths.length > 0 ? paths : ['.'],
    filter: values.get('--filter'),
    coverage: flags.has('--coverage'),
    lcov: values.get('--lcov'),
    junit: values.get('--junit'),
    github: flags.has('--github') || environment['GITHUB_ACTIONS'] === 'true',
    watch: flags.has('--watch'),
    quiet: flags.has('--quiet'),
    timeoutMs: seconds * 1000,
  }
}

const FLAGS = new Set(['--coverage', '--github', '--watch', '--quiet'])
const VALUES = new Set(['--filter', '--lcov', '--junit', '--timeout'])

function splitOption(arg: string): [string, string | undefined] {
  const at = arg.startsWith('--') ? arg.indexOf('=') : -1
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)]
}
