// `eachrcpt init` and `eachrcpt stubs`: what they make works as it stands.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { MAIN, run } from '../support/process.ts'

const top = mkdtempSync(join(tmpdir(), 'eachrcpt-init-'))
afterAll(() => rmSync(top, { recursive: true }))

const eachrcpt = (cwd: string, ...args: readonly string[]) =>
  run(process.execPath, [MAIN, ...args], { cwd })

test('init makes a folder that is clean', async () => {
  const made = await eachrcpt(top, 'init', 'mail')
  expect(made.code).toBe(0)
  expect(made.stdout).toContain('mail/ecelerity.conf\n')
  const folder = join(top, 'mail')
  for (const args of [['--config', 'ecelerity.conf'], ['.']]) {
    const checked = await eachrcpt(folder, 'check', ...args, '--level', 'info', '--quiet')
    expect(checked).toMatchObject({ code: 0, stdout: '', stderr: '' })
  }
  expect(existsSync(join(folder, '_meta/msys/core.lua'))).toBe(true)
})

test('init writes over nothing', async () => {
  writeFileSync(join(top, 'ecelerity.conf'), 'mine')
  const { code, stdout, stderr } = await eachrcpt(top, 'init')
  expect([code, stdout]).toEqual([73, ''])
  expect(stderr).toBe('init: ecelerity.conf would be written over: choose another folder\n')
  expect(readFileSync(join(top, 'ecelerity.conf'), 'utf8')).toBe('mine')
})

test('stubs replaces definitions and leaves settings alone', async () => {
  const folder = join(top, 'editor')
  expect((await eachrcpt(top, 'stubs', 'editor')).code).toBe(0)
  const settings = join(folder, '.luarc.json')
  expect(JSON.parse(readFileSync(settings, 'utf8'))).toMatchObject({
    'workspace.library': ['_meta'],
  })
  writeFileSync(settings, '{}')
  writeFileSync(join(folder, '_meta/old.lua'), '')
  const again = await eachrcpt(top, 'stubs', 'editor')
  expect(again.stdout).toContain(
    '.luarc.json: left as it is; "workspace.library" must hold "_meta"',
  )
  expect(readFileSync(settings, 'utf8')).toBe('{}')
  expect(existsSync(join(folder, '_meta/old.lua'))).toBe(false)
})

test.each(['init', 'stubs'])('%s says what is wrong with its arguments', async (command) => {
  const { code, stderr } = await eachrcpt(top, command, '--nope')
  expect(code).toBe(2)
  expect(stderr).toContain(`${command}: unexpected "--nope"`)
})
