// `eachrcpt test` as a user runs it: the tests that ship with us, and its options and exit codes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { POLICY } from '../testing/files.ts'
import { test as command } from '../../src/cli/test.ts'
import { captured } from '../support/captured.ts'
import { type Finished, MAIN, run } from '../support/process.ts'

const ROOT = new URL('../..', import.meta.url).pathname

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-test-'))
  await write('policy.lua', POLICY)
})

afterEach(() => rm(folder, { recursive: true }))

const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text)

const eachrcpt = (
  args: readonly string[],
  options: { cwd?: string; input?: string } = {},
): Promise<Finished> => run(process.execPath, [MAIN, 'test', ...args], { cwd: folder, ...options })

const PASSES =
  'it("works", function() session{ script = "policy.lua", rcptto = "a@b.example" }:expect_code(250) end)\n'
const FAILS = 'it("fails", function()\n  expect_equal(1, 2)\nend)\n'

test('the policies that ship with us and those of the examples pass their tests, every line of them', async () => {
  const { code, stdout, stderr } = await eachrcpt(['--coverage', 'policy', 'examples'], {
    cwd: ROOT,
  })
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^examples\/newsletter\.lua +100\.0% +100\.0%$/m)
  expect(stdout).toMatch(/^policy\/preferences\.lua +100\.0% +100\.0%$/m)
  expect(stdout).toMatch(/\n\d+ passed, 1 skipped \([\d.]+ s\)\n$/)
  expect(code).toBe(0)
})

describe('exit codes and output', () => {
  test('0 when all pass, without colours where nobody looks', async () => {
    await write('a_test.lua', PASSES)
    const { code, stdout } = await eachrcpt([])
    expect(stdout).toMatch(/^a_test\.lua\n {2}✓ works\n1 passed \([\d.]+ s\)\n$/)
    expect(code).toBe(0)
  })

  test('1 when one fails, with its line', async () => {
    await write('a.test.lua', PASSES)
    await write('b_spec.lua', FAILS)
    const { code, stdout } = await eachrcpt(['--quiet'])
    expect(stdout).toMatch(
      /^b_spec\.lua\n {2}✗ fails\n {6}b_spec\.lua:2: values differ\n {8}expected: 2\n {8}got: {6}1\n1 failed, 1 passed/,
    )
    expect(code).toBe(1)
  })

  test.each([
    [['--bogus'], 2, 'test: unknown option --bogus'],
    [['/nowhere'], 66, 'test: no such file or folder: /nowhere'],
    [[`${ROOT}lua`], 66, 'test: no tests (*_test.lua, *.test.lua, *_spec.lua) in '],
  ])('%j exits with %d', async (args, exit, complaint) => {
    const { code, stdout, stderr } = await captured(command, args)
    expect(stderr).toContain(complaint)
    expect([code, stdout]).toEqual([exit, ''])
  })

  test('1 when less of the policy ran than should', async () => {
    await write('policy.lua', `${POLICY}\nlocal function unused()\n  return 1\nend\n`)
    await write('a_test.lua', PASSES)
    const { code, stdout, stderr } = await eachrcpt(['--coverage-min=95'])
    expect(stdout).toContain('1 passed')
    expect(stderr).toMatch(/^test: [\d.]+% of the lines ran, 95% should\n$/)
    expect(code).toBe(1)
  })

  test('66 when a filter leaves nothing', async () => {
    await write('a_test.lua', PASSES)
    expect(await eachrcpt(['--filter=other'])).toMatchObject({
      code: 66,
      stderr: 'test: no test matches "other"\n',
    })
  })
})

test('reads a test from standard input, its paths beginning in the current folder', async () => {
  const { code, stdout } = await eachrcpt(['-'], { input: PASSES + FAILS })
  expect(stdout).toContain('✓ works')
  expect(stdout).toContain('standard-input.lua:3: values differ')
  expect(code).toBe(1)
})

test('writes JUnit XML, an lcov tracefile and annotations', async () => {
  await write('a_test.lua', PASSES + FAILS)
  const { code, stdout } = await eachrcpt([
    '--junit',
    'out.xml',
    '--lcov=out.info',
    '--github',
    'a_test.lua',
  ])
  expect(code).toBe(1)
  expect(stdout).toContain(
    '::error file=a_test.lua,line=3,title=fails::a_test.lua:3: values differ%0A',
  )
  expect(await readFile(join(folder, 'out.xml'), 'utf8')).toContain(
    '<testcase name="works" classname="a_test.lua"',
  )
  const lcov = await readFile(join(folder, 'out.info'), 'utf8')
  expect(lcov).toMatch(/^TN:\nSF:.*policy\.lua\nFN:/)
  expect(lcov).toContain('FN:7,mod:validate_data_spool_each_rcpt:7\n')
  // Once for the recipient; only the line that raises and the one that refuses did not run.
  expect(lcov).toMatch(/^DA:9,1$/m)
  expect(lcov).not.toContain('SF:a_test.lua')
})

test('runs again when a file changes, until it is ended', async () => {
  await write('a_test.lua', PASSES)
  const child = spawn(process.execPath, [MAIN, 'test', '--watch', folder], { cwd: folder })
  let out = ''
  child.stdout.on('data', (chunk) => (out += String(chunk)))
  child.stderr.on('data', (chunk) => (out += String(chunk)))
  await expect.poll(() => out).toContain('waiting for changes')
  await write('a_test.lua', FAILS)
  await expect.poll(() => out).toContain('✗ fails')
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
})
