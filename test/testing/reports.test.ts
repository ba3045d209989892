// The reports for other tools, read by readers that are not ours.
import { readFile } from 'node:fs/promises'
import lcovParser from '@friedemannsommer/lcov-parser'
import { describe, expect, test } from 'vitest'
import { validateXML } from 'xmllint-wasm'
import type { FileCoverage } from '../../src/lua/coverage.ts'
import { coverageText, lcovText } from '../../src/testing/coveragereport.ts'
import { githubText } from '../../src/testing/github.ts'
import { junitXml } from '../../src/testing/junit.ts'
import type { FileResult, Outcome, TestResult } from '../../src/testing/suite.ts'
import { fileText, type Palette, summaryText } from '../../src/testing/textreport.ts'

const failed: Outcome = {
  kind: 'failed',
  isBroken: false,
  file: 'a_test.lua',
  line: 7,
  text: 'code: "x" <y>\n  expected: 250\n  got:      550',
  callers: ['a_test.lua:9'],
}

function resultOf(name: string, outcome: Outcome): TestResult {
  return {
    path: ['group', name],
    line: 3,
    outcome,
    tookMs: 12,
    printed: name === 'bad' ? ['hi\x01'] : [],
  }
}

const FILES: readonly FileResult[] = [
  {
    file: 'a_test.lua',
    tookMs: 1500,
    tests: [
      resultOf('good', { kind: 'passed' }),
      resultOf('bad', failed),
      resultOf('later', { kind: 'skipped', isPending: true }),
    ],
  },
  { file: 'b_test.lua', tookMs: 1, tests: [resultOf('file', { ...failed, isBroken: true })] },
]

const PLAIN: Palette = { good: (text) => text, bad: (text) => text, dim: (text) => text }

test('people read a line for each test, and what failed', () => {
  expect(fileText(FILES[0]!, PLAIN)).toBe(`a_test.lua
  group
    ✓ good
    ✗ bad
        a_test.lua:7: code: "x" <y>
          expected: 250
          got:      550
          called at a_test.lua:9
        printed: hi\\x01
    - later (pending)
`)
  expect(summaryText(FILES, PLAIN)).toBe('2 failed, 1 passed, 1 skipped (1.50 s)\n')
})

describe('JUnit XML', () => {
  const xml = junitXml(FILES, Date.UTC(2026, 0, 2))

  test('is valid, whatever octets stand in it', async () => {
    const schema = await readFile(new URL('junit.xsd', import.meta.url), 'utf8')
    const { errors, valid } = await validateXML({ xml, schema })
    expect(errors).toEqual([])
    expect(valid).toBe(true)
  })

  test('counts failures and files that could not be run apart', () => {
    expect(xml).toContain(
      '<testsuites name="eachrcpt test" tests="4" failures="1" errors="1" time="1.501">',
    )
    expect(xml).toContain(
      '<testsuite name="a_test.lua" timestamp="2026-01-02T00:00:00" hostname="localhost" tests="3" failures="1" errors="0" time="1.500" skipped="1">',
    )
    expect(xml).toContain(
      '<failure message="code: &quot;x&quot; &lt;y&gt;" type="failure">a_test.lua:7: code: &quot;x&quot; &lt;y&gt;&#10;  expected: 250&#10;',
    )
  })
})

test('GitHub marks the line that failed', () => {
  expect(githubText(FILES.slice(0, 1))).toBe(
    '::error file=a_test.lua,line=7,title=group › bad::a_test.lua:7: code: "x" <y>%0A  expected: 250%0A  got:      550%0A  called at a_test.lua:9\n',
  )
})

describe('coverage', () => {
  const COVERED: FileCoverage = {
    path: '/p/policy.lua',
    lines: new Map([
      [1, 2],
      [2, 0],
      [4, 0],
      [6, 1],
      [7, 0],
    ]),
    branches: [
      { line: 1, ways: [2, 0] },
      { line: 1, ways: [1, 1] },
      { line: 4, ways: [0, 0] },
    ],
    functions: [
      { line: 1, entries: 2 },
      { line: 4, entries: 0 },
    ],
  }
  const SOURCE = ['function mod:first(a)', '', '', 'local f = function()', '', '', '']

  test('is a table with what did not run', () => {
    expect(coverageText([COVERED], () => 'policy.lua')).toBe(`file         lines  branches  not run
policy.lua   40.0%   50.0%  2-4 7 [1]
all files    40.0%   50.0%
`)
  })

  test('reads back as lcov', async () => {
    const [section] = await lcovParser({ from: lcovText([COVERED], () => SOURCE) })
    expect(section?.path).toBe('/p/policy.lua')
    expect(section?.lines).toMatchObject({ instrumented: 5, hit: 2 })
    expect(section?.lines.details).toContainEqual(expect.objectContaining({ line: 1, hit: 2 }))
    expect(section?.branches).toMatchObject({ instrumented: 6, hit: 3 })
    expect(section?.functions).toMatchObject({ instrumented: 2, hit: 1 })
    expect(section?.functions.details.map(({ name, line, hit }) => [name, line, hit])).toEqual([
      ['mod:first:1', 1, 2],
      ['f:4', 4, 0],
    ])
  })
})
