// `eachrcpt test [PATH…]`: tests of policy, written in Lua. Exit codes: 1 when a test fails, 2 for wrong
// usage, 66 when there is nothing to run.
import { existsSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { countRuns, coverageOfFiles, type FileCoverage, forgetRuns } from '../lua/coverage.ts'
import { coverageText, lcovText, linePercent } from '../testing/coveragereport.ts'
import { githubText } from '../testing/github.ts'
import { junitXml } from '../testing/junit.ts'
import { runFile } from '../testing/runner.ts'
import { countOf, type FileResult } from '../testing/suite.ts'
import { fileText, summaryText } from '../testing/textreport.ts'
import { BUNDLED_FOLDERS, TESTING_SUGAR } from './folders.ts'
import { paletteFor } from './palette.ts'
import { findTests } from './testfiles.ts'
import { readTestOptions, TEST_USAGE, type TestOptions } from './testoptions.ts'

const EXIT_NO_INPUT = 66

export async function test(args: readonly string[]): Promise<number> {
  const options = readTestOptions(args, process.env)
  if (options === 'help') {
    process.stdout.write(TEST_USAGE)
    return 0
  }
  if (typeof options === 'string') return fail(`test: ${options}\n\n${TEST_USAGE}`, 2)
  const missing = options.paths.filter((path) => path !== '-' && !existsSync(path))
  if (missing.length > 0)
    return fail(`test: no such file or folder: ${missing.join(', ')}\n`, EXIT_NO_INPUT)
  countRuns(options.coverage || options.lcov !== undefined)
  const code = await runAll(options)
  return options.watch ? watchAll(options) : code
}

async function runAll(options: TestOptions): Promise<number> {
  const { paths, filter, timeoutMs, github, junit, quiet } = options
  const files = findTests(paths)
  if (files.length === 0) {
    const names = '*_test.lua, *.test.lua, *_spec.lua'
    return fail(`test: no tests (${names}) in ${paths.join(', ')}\n`, EXIT_NO_INPUT)
  }
  const palette = paletteFor(process.stdout)
  const beganMs = Date.now()
  const results: FileResult[] = []
  for (const file of files) {
    const isInput = file === '-'
    const source = readFileSync(isInput ? 0 : file)
    const run = {
      searchPath: BUNDLED_FOLDERS,
      sugar: readFileSync(TESTING_SUGAR),
      filter,
      timeoutMs,
    }
    const clock = (): number => performance.now()
    const result = await runFile(isInput ? STDIN : file, { ...run, clock }, source)
    results.push(result)
    if (result.tests.length > 0 && (!quiet || countOf([result], 'failed') > 0)) {
      process.stdout.write(fileText(result, palette))
    }
  }
  if (countOf(results, 'passed') + countOf(results, 'failed') === 0) {
    if (filter !== undefined) return fail(`test: no test matches "${filter}"\n`, EXIT_NO_INPUT)
  }
  if (github) process.stdout.write(githubText(results))
  if (junit !== undefined) writeFileSync(junit, junitXml(results, beganMs))
  const isCovered = writeCoverage(options, files)
  process.stdout.write(summaryText(results, palette))
  return countOf(results, 'failed') > 0 || !isCovered ? 1 : 0
}

const STDIN = 'standard-input.lua'

/** Of policy: what the tests and we ourselves bring along is not measured. Whether it is enough. */
function writeCoverage(
  { coverage, coverageMin, lcov }: TestOptions,
  tests: readonly string[],
): boolean {
  if (!coverage && lcov === undefined) return true
  const own = new Set([...tests, STDIN])
  const files = coverageOfFiles().filter(({ path }) => isPolicy(path) && !own.has(path))
  if (coverage) process.stdout.write(coverageText(files, (path) => relative(process.cwd(), path)))
  if (lcov !== undefined) writeFileSync(lcov, lcovText(files, sourceOf))
  forgetRuns()
  const percent = linePercent(files)
  if (percent >= coverageMin) return true
  process.stderr.write(`test: ${percent.toFixed(1)}% of the lines ran, ${coverageMin}% should\n`)
  return false
}

function isPolicy(path: FileCoverage['path']): boolean {
  return existsSync(path) && dirname(path) !== dirname(TESTING_SUGAR)
}

function sourceOf(path: string): string[] {
  return readFileSync(path, 'latin1').split('\n')
}

/** Runs them again whenever a file beside them changes, until a signal ends it. */
function watchAll(options: TestOptions): Promise<number> {
  let timer: NodeJS.Timeout | undefined
  let work: Promise<unknown> = Promise.resolve()
  const again = (): void => {
    work = work.then(() => runAll(options)).catch((error: unknown) => fail(`${String(error)}\n`, 1))
  }
  const folders = new Set(
    options.paths.map((path) => (statSync(path).isDirectory() ? path : dirname(path))),
  )
  const watchers = [...folders].map((folder) =>
    watch(folder, { recursive: true }, (_, name) => {
      if (name === null || !/\.(?:lua|conf|eml)$/.test(name)) return
      clearTimeout(timer)
      timer = setTimeout(again, SETTLE_MS)
    }),
  )
  process.stderr.write('test: waiting for changes, Ctrl-C ends\n')
  return new Promise((resolve) => {
    const end = (code: number) => () => {
      clearTimeout(timer)
      for (const watcher of watchers) watcher.close()
      resolve(code)
    }
    process.once('SIGINT', end(130))
    process.once('SIGTERM', end(0))
  })
}

/** Editors write a file in several steps. */
const SETTLE_MS = 100

function fail(text: string, code: number): number {
  process.stderr.write(text)
  return code
}
