// `eachrcpt check` as people and build servers run it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { MAIN } from '../support/process.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-check-'))
afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true })
  writeFileSync(join(folder, name), text)
}

function check(args: readonly string[], { cwd = folder, input = '' } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'check', ...args], {
    cwd,
    input,
    encoding: 'utf8',
  })
  return { code: status, out: stdout, err: stderr }
}

write(
  'good.lua',
  'local mod = {}\nfunction mod:validate_data() return 0 end\nmsys.registerModule("good", mod)',
)
write('bad.lua', 'print(nope)')
write('remark.lua', 'print(trim("x"))')

test('the bundled policies and the examples are clean', () => {
  for (const args of [
    ['policy', 'examples'],
    ['--config', 'examples/newsletter.conf'],
  ]) {
    const { code, out, err } = check([...args, '--level', 'info', '--json'], { cwd: ROOT })
    expect((JSON.parse(out) as { findings: unknown }).findings).toEqual([])
    expect([code, err]).toEqual([0, ''])
  }
})

test('exits with 0, 1 on findings at or over the level, 2 on wrong usage', () => {
  expect(check(['good.lua']).code).toBe(0)
  expect(check(['bad.lua']).code).toBe(1)
  expect(check(['remark.lua']).code).toBe(0)
  expect(check(['remark.lua', '--level', 'info']).code).toBe(1)
  for (const args of [[], ['--nope'], ['--level', 'high', 'x'], ['--config']]) {
    const { code, out, err } = check(args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^check: /)
  }
})

test('exits with 66 when there is nothing to read', () => {
  mkdirSync(join(folder, 'empty'), { recursive: true })
  for (const args of [['gone.lua'], ['--config', 'gone.conf'], ['empty']]) {
    const { code, out, err } = check(args)
    expect([code, out]).toEqual([66, ''])
    expect(err).toMatch(/^check: .*(?:gone|empty)/)
  }
})

test('- is a script on standard input', () => {
  const { code, out } = check(['-', '--quiet'], { input: '\nprint(nope)\n' })
  expect(out).toBe('<stdin>:2:7: error: nope: nothing defines it: it is nil [undefined-global]\n')
  expect(code).toBe(1)
})

test('a configuration brings all that it reaches', () => {
  write('etc/lib/tool.lua', 'local m = {}\nfunction m.get(msg) return msg:nope() end\nreturn m')
  write(
    'etc/main.lua',
    'local t = require "lib.tool"\nlocal mod = {}\nfunction mod:validate_data(msg) t.get(msg) return 0 end\nmsys.registerModule("other", mod)',
  )
  write('etc/idle.lua', 'print("x")')
  write('etc/unused.lua', 'print(nope)')
  write(
    'etc/ecelerity.conf',
    `gateway = "x"
scriptlet "scriptlet" {
  script "main" { source = "main" }
  script "idle" { source = "idle" }
  script "gone" { source = "gone" }
}`,
  )
  const { code, out } = check(['--config', 'etc/ecelerity.conf', '--json'])
  const { findings } = JSON.parse(out) as { findings: Record<string, unknown>[] }
  expect(findings.map(({ file, line, rule, name }) => [file, line, rule, name])).toEqual([
    ['etc/ecelerity.conf', 5, 'config', 'source'],
    ['etc/idle.lua', 1, 'never-registered', 'idle'],
    ['etc/lib/tool.lua', 2, 'missing', 'msg:nope'],
    ['etc/main.lua', 4, 'module-name', 'other'],
  ])
  expect(code).toBe(1)
})

test('a configuration that does not load is a finding with its place', () => {
  write('broken.conf', 'gateway = "x"\nnonsense {')
  const { code, out } = check(['--config', 'broken.conf', '--quiet'])
  expect(out).toMatch(/^broken\.conf:\d+:\d+: error: .*\[config\]\n$/)
  expect(code).toBe(1)
})

test.each([
  '',
  'check',
  'run',
  'test',
  'record',
  'cases',
  'replay',
  'diff-policy',
  'init',
  'stubs',
  'token',
])('the help of %s fits 80 columns', (command) => {
  const args = [MAIN, ...(command === '' ? [] : [command]), '--help']
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(status).toBe(0)
  const wide = stdout.split('\n').filter((line) => Array.from(line).length > 80)
  expect(wide).toEqual([])
})
