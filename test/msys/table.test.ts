// The table of the API against the list of everything that Momentum documents, and against what is bound.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { coverage } from '../../src/msys/coverage.ts'
import { isMethod, memberOf, ownerOf, signatureOf } from '../../src/msys/declaration.ts'
import { findDocumented, isHere, readDocumented } from '../../src/msys/documented.ts'
import { API, CLASSES } from '../../src/msys/table.ts'
import { UNAVAILABLE_MODULES } from '../../src/msys/unavailable.ts'
import { policyOf, subjectOf } from '../support/policy.ts'

const CORPUS = readFileSync(new URL('../corpus/lua-api.tsv', import.meta.url), 'utf8')
const ROWS = readDocumented(CORPUS)

const NAMES = new Map(API.map((declaration) => [declaration.name, declaration]))

describe('the table of the API', () => {
  test('the list has its 289 rows', () => {
    expect(ROWS).toHaveLength(289)
  })

  test.each(ROWS)('$title', ({ names, tier }) => {
    for (const name of names) {
      const found = findDocumented(name)
      expect(found, name).toBeDefined()
      if (tier === 3) expect(found?.support === 'unavailable' || found?.tier === 3).toBe(true)
      else expect(found?.support).not.toBe('unavailable')
    }
  })

  test('no name stands twice', () => {
    expect(API.length).toBe(NAMES.size)
  })

  test('every row says what it does and what it gives', () => {
    for (const { name, doc, result, tier } of API) {
      expect(doc, name).not.toBe('')
      expect(result, name).not.toBe('')
      expect([1, 2, 3], name).toContain(tier)
    }
  })
})

test('every function of the table is bound, and nothing of msys beside it', async () => {
  const source = `
    local seen = {}
    local function walk(name, value)
      if type(value) == "function" then seen[#seen + 1] = name end
      if type(value) == "table" then
        for key, below in pairs(value) do
          if type(key) == "string" then walk(name .. "." .. key, below) end
        end
      end
    end
    for _, name in ipairs { "msys", "json", "xml", "curl", "trim", "gethostname" } do walk(name, _G[name]) end
    print(table.concat(seen, " "))`
  const { panics, close } = await policyOf({ walk: source })
  await close()
  const bound = (panics[0] ?? '').replace('scriptlet: ', '').split(' ').sort()
  const objects = new Set(CLASSES.map(({ prefix }) => prefix))
  const declared = API.filter(
    (declaration) =>
      declaration.parameters &&
      !isMethod(declaration) &&
      !objects.has(ownerOf(declaration)) &&
      !declaration.name.startsWith('thread.'),
  )
  expect(bound).toEqual(declared.map(({ name }) => name).sort())
})

test('all that mail policy may use is here', () => {
  const mine = ROWS.filter(({ tier }) => tier < 3)
  expect(mine).toHaveLength(243)
  expect(mine.filter((row) => !isHere(row))).toEqual([])
  expect(coverage(ROWS)).toContain('243 of 243 rows')
})

test('lua/README.md carries the coverage table as it is now (npm run docs writes it)', () => {
  const text = readFileSync(new URL('../../lua/README.md', import.meta.url), 'utf8')
  expect(text).toContain(coverage(ROWS))
})

describe('what belongs to other products', () => {
  const functions = API.filter(
    (declaration) => declaration.support === 'unavailable' && !isMethod(declaration),
  )

  test.each(functions.map((declaration) => [declaration.name, declaration.doc]))(
    '%s says so when it is called, and loads without error',
    async (name, why) => {
      const source = `
        local found = require("${name.slice(0, name.lastIndexOf('.'))}")["${name.slice(name.lastIndexOf('.') + 1)}"]
        found()
        msys.registerModule("t", { validate_connect = function(self, ac, vctx)
          print(tostring(select(2, pcall(found)))) return 0 end })`
      const { policy, panics, close } = await policyOf({ t: source })
      await policy.openSession().run('validate_connect', subjectOf().subject)
      await close()
      const text = `${name}: not available: ${why}`
      expect(panics[0]).toBe(`scriptlet: ${text}`)
      expect(panics[1]).toContain(text)
    },
  )

  test('a registration in init warns once, and the rest of the script works', async () => {
    const source = `require("msys.cloudmark")
      msys.registerModule("t", {
        init = function() msys.cloudmark.set_af_mode_keep() msys.cloudmark.set_af_mode_keep() return true end,
        validate_connect = function() print(tostring(pcall(msys.cloudmark.set_af_mode_keep))) return 0 end })`
    const { policy, panics, close } = await policyOf({ t: source })
    await policy.openSession().run('validate_connect', subjectOf().subject)
    await close()
    expect(panics).toEqual([
      'scriptlet: msys.cloudmark.set_af_mode_keep: not available: needs a scanner that is licensed separately',
      'scriptlet: false',
    ])
  })

  test.each(Object.keys(UNAVAILABLE_MODULES))('%s can be required', async (name) => {
    const source = `local m = require("${name}") print(tostring(select(2, pcall(function() return m.x end))))`
    const { panics, close } = await policyOf({ t: source })
    await close()
    expect(panics[0]).toContain(`${name}.x: not available`)
  })
})

test('a signature names its parameters', () => {
  const found = NAMES.get('msg:header')
  expect(found && signatureOf(found)).toBe('msg:header(name, value?, mode?)')
  expect(found && memberOf(found)).toBe('header')
})
