import { expect, test } from 'vitest'
import { readTestOptions, TEST_USAGE } from '../../src/cli/testoptions.ts'

test.each([
  [['--bogus'], 'unknown option --bogus'],
  [['--junit'], '--junit: a value is missing'],
  [['--timeout', 'x'], '--timeout: seconds were expected'],
  [['--coverage-min', '101'], '--coverage-min: 0 to 100 was expected'],
  [['--watch', '-'], '--watch: standard input cannot be watched'],
  [['a.lua', '--help'], 'help'],
])('%j: %s', (args, complaint) => {
  expect(readTestOptions(args, {})).toBe(complaint)
})

test('looks in the current folder unless told otherwise, and annotates where GitHub runs it', () => {
  expect(readTestOptions(['--filter=a b', '--timeout', '2'], { GITHUB_ACTIONS: 'true' })).toEqual({
    paths: ['.'],
    filter: 'a b',
    coverage: false,
    coverageMin: 0,
    lcov: undefined,
    junit: undefined,
    github: true,
    watch: false,
    quiet: false,
    timeoutMs: 2000,
  })
})

test('help fits 80 columns', () => {
  expect(TEST_USAGE.split('\n').filter((line) => line.length > 80)).toEqual([])
})
