import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/config/error.ts'
import { loadPolicy } from '../../src/policy/policy.ts'
import { BUDGET, policyOf, subjectOf } from '../support/policy.ts'

const EMPTY = 'msys.registerModule("a", { validate_data = function() return 0 end'

describe('loading', () => {
  test('names every path that was searched for a missing script', async () => {
    const place = { file: 'e.conf', line: 7, column: 3 }
    const loading = loadPolicy({
      scripts: [{ name: 'x', source: 'rules.main', place }],
      roots: ['/nowhere/a', '/nowhere/b'],
      budget: BUDGET,
      onBadReturn: 'continue',
      panic() {},
    })
    await expect(loading).rejects.toThrow(ConfigError)
    await expect(loading).rejects.toThrow(
      /^e\.conf:7: .*searched: \/nowhere\/a\/rules\/main\.lua, \/nowhere\/b\/rules\/main\.lua$/,
    )
  })

  test('explains why a source with .lua is not found', async () => {
    const scripts = [{ name: 'x', source: 'x.lua', place: { file: 'e', line: 1, column: 1 } }]
    const options = { scripts, roots: ['/n'], budget: BUDGET, onBadReturn: 'continue' as const }
    await expect(loadPolicy({ ...options, panic() {} })).rejects.toThrow(
      /has no "\.lua".*\/n\/x\/lua\.lua/,
    )
  })

  test('finds a source with dots or slashes, and what it requires, below the roots', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'eachrcpt-roots-'))
    await mkdir(join(folder, 'rules'))
    await writeFile(
      join(folder, 'rules/main.lua'),
      `local h = require("rules.helper") ${EMPTY}, n = h.n })`,
    )
    await writeFile(join(folder, 'rules/helper.lua'), 'return { n = 1 }')
    for (const source of ['rules.main', 'rules/main']) {
      const scripts = [{ name: 'x', source, place: { file: 'e', line: 1, column: 1 } }]
      const policy = await loadPolicy({
        scripts,
        roots: [folder],
        budget: BUDGET,
        onBadReturn: 'continue',
        panic() {},
      })
      expect(policy.has('validate_data')).toBe(true)
      await policy.close()
    }
    await rm(folder, { recursive: true })
  })

  test('accepts msys.boot, which has nothing to run', async () => {
    const policy = await loadPolicy({
      scripts: [{ name: 'boot', source: 'msys.boot', place: { file: 'e', line: 1, column: 1 } }],
      roots: [],
      budget: BUDGET,
      onBadReturn: 'continue',
      panic() {},
    })
    expect(policy.scripts).toEqual([])
  })

  test.each([
    ['local x = = 1', /bad\.lua:1:/],
    ['\n\nerror("boom")', /bad\.lua:3: .*boom/],
    ['while true do end', /budget|cpu|killed/i],
    ['require("no.such.module")', /no\/such\/module\.lua/],
    [`${EMPTY}, init = function() return false end })`, /init of module "a" did not return true/],
    [`${EMPTY}, init = function() error("x") end })`, /init of module "a".*x/],
  ])('refuses %j', async (source, message) => {
    const budget = { ...BUDGET, cpuMs: 20 }
    await expect(policyOf({ bad: source }, { budget })).rejects.toThrow(message)
  })

  test('gives a script ten times the memory of a callout while it loads', async () => {
    const budget = { ...BUDGET, allocBytes: 1e5 }
    const keep = (length: number) => `kept = ("x"):rep(${length}) ${EMPTY} })`
    await (await policyOf({ a: keep(4e5) }, { budget })).close()
    await expect(policyOf({ a: keep(2e6) }, { budget })).rejects.toThrow(/allocation limit/)
  })

  test('runs init before anything else, and takes 0 with a warning', async () => {
    const source = `${EMPTY}, init = function(self) self.ready = 1 print("init") return 0 end })`
    const { panics, close } = await policyOf({ a: source })
    expect(panics[0]).toBe('scriptlet: init')
    expect(panics[1]).toContain('only true is documented')
    await close()
  })

  test('says when a module has no callout, and loads it', async () => {
    const source = 'msys.registerModule("helpers", { helper = function() end })'
    const { panics, close } = await policyOf({ a: source })
    expect(panics).toEqual([
      'scriptlet: no usable methods found for module helpers in registerModule call',
    ])
    await close()
  })

  test.each([
    ['core_log_error', 'module a: core_log_error is not supported yet and never runs'],
    ['msg_gen_data_spool', 'module a: msg_gen_data_spool is not supported yet and never runs'],
    [
      'validate_disconnect',
      'module a: validate_disconnect is no callout of Momentum and never runs',
    ],
  ])('says that %s never runs', async (callout, notice) => {
    const { panics, close } = await policyOf({ a: `${EMPTY}, ${callout} = function() end })` })
    expect(panics).toEqual([`scriptlet: ${notice}`])
    await close()
  })

  test('functions that are added after registerModule count', async () => {
    const source = `local m = {} msys.registerModule("a", m) function m:validate_data() print("ran") return 0 end`
    const { policy, panics, close } = await policyOf({ a: source })
    await policy.openSession().run('validate_data', subjectOf().subject)
    expect(panics).toEqual(['scriptlet: ran'])
    await close()
  })

  test('the other spelling of the hook before the transform is known', async () => {
    const source =
      'msys.registerModule("a", { core_post_validate_data_spool_each_rcpt = function() end })'
    const { policy, close } = await policyOf({ a: source })
    expect(policy.has('core_post_validate_data_spool_each_rcpt_v1')).toBe(true)
    await close()
  })
})

describe('the dialect of real policy', () => {
  test.each([
    ['if 1 != 2 then print("ne") end', 'ne'],
    ['if !nil then print("not") end', 'not'],
    ['print(10 / 2)', '5'],
    ['print(1300000000 * 1000)', '1300000000000'],
    ['print(2147483647 + 1)', '2147483648'],
    ['print(string.format("%d", 3.7))', '3'],
    ['print("\\." == ".")', 'true'],
    ['local t = {} t["\\1\\18"] = 1 print(t["\\17\\2"] == nil)', 'true'],
    ['for i, v in pairs({ 10, 20, 30 }) do print(v) break end', '10'],
  ])('%s prints %s', async (code, printed) => {
    const { panics, close } = await policyOf({ a: `${code}\n${EMPTY} })` })
    expect(panics[0]).toBe(`scriptlet: ${printed}`)
    await close()
  })
})
