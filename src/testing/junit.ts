// JUnit XML as Jenkins, GitLab and GitHub's actions read it: a testsuite for each file.
import { toText } from '../mail/bytes.ts'
import { type FileResult, type TestResult, title } from './suite.ts'
import { failureLines } from './textreport.ts'

/** `beganMs`: epoch milliseconds. */
export function junitXml(files: readonly FileResult[], beganMs: number): string {
  const suites = files.map((file) => suiteXml(file, beganMs))
  const tests = files.flatMap((file) => file.tests)
  const totals = countsXml(
    tests,
    files.reduce((sum, { tookMs }) => sum + tookMs, 0),
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="eachrcpt test"${totals}>\n${suites.join('')}</testsuites>\n`
}

function suiteXml({ file, tests, tookMs }: FileResult, beganMs: number): string {
  const timestamp = new Date(beganMs).toISOString().slice(0, 19)
  const counts = `${countsXml(tests, tookMs)} skipped="${count(tests, isSkipped)}"`
  const cases = tests.map((test) => caseXml(file, test)).join('')
  return `  <testsuite name="${escape(file)}" timestamp="${timestamp}" hostname="localhost"${counts}>\n${cases}  </testsuite>\n`
}

function caseXml(file: string, test: TestResult): string {
  const { path, outcome, tookMs, printed } = test
  const name = escape(title(path))
  const head = `    <testcase name="${name}" classname="${escape(file)}" time="${seconds(tookMs)}"`
  const output =
    printed.length > 0
      ? `      <system-out>${escape(toText(printed.join('\n')))}</system-out>\n`
      : ''
  if (outcome.kind === 'passed')
    return output ? `${head}>\n${output}    </testcase>\n` : `${head}/>\n`
  if (outcome.kind === 'skipped') return `${head}>\n      <skipped/>\n    </testcase>\n`
  const element = outcome.isBroken ? 'error' : 'failure'
  const message = escape(toText(outcome.text).split('\n')[0] ?? '')
  const text = escape(failureLines(test, file).join('\n'))
  return `${head}>\n      <${element} message="${message}" type="${element}">${text}</${element}>\n${output}    </testcase>\n`
}

function countsXml(tests: readonly TestResult[], tookMs: number): string {
  const failures = count(tests, ({ outcome }) => outcome.kind === 'failed' && !outcome.isBroken)
  const errors = count(tests, ({ outcome }) => outcome.kind === 'failed' && outcome.isBroken)
  return ` tests="${tests.length}" failures="${failures}" errors="${errors}" time="${seconds(tookMs)}"`
}

function isSkipped({ outcome }: TestResult): boolean {
  return outcome.kind === 'skipped'
}

function count(tests: readonly TestResult[], holds: (test: TestResult) => boolean): number {
  return tests.filter(holds).length
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
}

/** What XML 1.0 cannot hold at all becomes U+FFFD. */
function escape(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- these are what XML forbids
      .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
      .replace(/[&<>"\n]/g, (char) => ENTITIES[char] ?? char)
  )
}
