// What check prints, in each of its formats.
import schema from '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json' with { type: 'json' }
import { Ajv } from 'ajv'
import { parse } from 'parse5'
import { describe, expect, test } from 'vitest'
import { htmlText } from '../../src/check/output/html.ts'
import { jsonText } from '../../src/check/output/json.ts'
import { sarifText } from '../../src/check/output/sarif.ts'
import { plainText } from '../../src/check/output/text.ts'
import { checkTexts } from './checked.ts'

const SCRIPT = `local mod = {}
function mod:validate_data(msg, ac, vctx)
  if nope < msys.av.scan(msg) then return 1 end
  if msg:mailfrom() then return 0 end
end
msys.registerModule("<b>main</b>", mod)`

const checked = checkTexts({ 'a b/<x>': SCRIPT })
const file = 'a b/<x>.lua'

describe('text', () => {
  const options = { isColoured: false, showsUses: false, only: undefined }

  test('names place, level, message, rule and documentation of each finding', () => {
    const lines = plainText(checked, options).split('\n')
    expect(lines.slice(0, 3)).toEqual([
      `${file}:3:6: error: nope: nothing defines it: it is nil [undefined-global]`,
      `${file}:3:21: error: msys.av.scan: not available: needs a scanner that is licensed separately; it raises when it is called [stub]`,
      '    msys.av.scan(...arguments): nil; needs a scanner that is licensed separately',
    ])
  })

  test('ends with counts and readiness', () => {
    const lines = plainText(checked, options).trimEnd().split('\n')
    expect(lines.slice(-2)).toEqual([
      '1 file: 2 errors, 1 warning, 1 remark',
      'readiness 75 %: 3 of 4 names of the API that are used work here',
    ])
  })

  test('is coloured only when it is asked to be', () => {
    expect(plainText(checked, options)).not.toContain('\u001b')
    expect(plainText(checked, { ...options, isColoured: true })).toContain('\u001b[31merror')
  })

  test('lists every place of every use on demand', () => {
    expect(plainText(checked, options)).not.toContain('msg:mailfrom a b')
    expect(plainText(checked, { ...options, showsUses: true })).toContain(
      `msg:mailfrom ${file}:4:10`,
    )
  })
})

test('JSON holds summary, findings and uses', () => {
  const { summary, findings, uses } = JSON.parse(jsonText(checked)) as Record<string, unknown>
  expect(summary).toEqual({
    files: 1,
    errors: 2,
    warnings: 1,
    infos: 1,
    names: { supported: 3, partial: 0, stub: 1, missing: 0, unknown: 0 },
    readiness: 75,
  })
  expect(findings).toContainEqual({
    file,
    line: 3,
    column: 6,
    level: 'error',
    rule: 'undefined-global',
    name: 'nope',
    message: 'nope: nothing defines it: it is nil',
    doc: '',
  })
  expect(uses).toContainEqual({
    file,
    line: 4,
    column: 10,
    name: 'msg:mailfrom',
    kind: 'function',
    support: 'supported',
    instead: '',
    doc: 'msg:mailfrom(address?): string; the envelope sender, "" for the null sender; sets it',
  })
})

interface SarifResult {
  readonly ruleId: string
  readonly ruleIndex: number
  readonly level: string
  readonly message: { readonly text: string }
  readonly locations: readonly unknown[]
}

interface SarifLog {
  readonly version: string
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } }
    readonly results: readonly SarifResult[]
  }[]
}

describe('SARIF', () => {
  const log = JSON.parse(sarifText(checked, '1.2.3')) as SarifLog
  const [run] = log.runs

  test('has a result for each finding, which names its rule and place', () => {
    expect(log.version).toBe('2.1.0')
    expect(run?.results).toHaveLength(checked.findings.length)
    expect(run?.results[0]).toEqual({
      ruleId: 'undefined-global',
      ruleIndex: run?.tool.driver.rules.findIndex(({ id }) => id === 'undefined-global'),
      level: 'error',
      message: { text: 'nope: nothing defines it: it is nil' },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'a%20b/%3Cx%3E.lua' },
            region: { startLine: 3, startColumn: 6 },
          },
        },
      ],
    })
  })

  test('is valid by the schema of the standard, also when nothing was found', () => {
    // It is of draft 4, of which it uses nothing that later drafts read otherwise but `id`.
    const { $schema: _, id: __, ...rules } = schema
    const options = {
      strict: false,
      validateFormats: false,
      validateSchema: false,
      unicodeRegExp: false,
    }
    const validate = new Ajv(options).compile(rules)
    for (const one of [checked, checkTexts({ a: '' })]) {
      validate(JSON.parse(sarifText(one, '1.2.3')))
      expect(validate.errors).toBeNull()
    }
  })

  test('remarks are notes', () => {
    expect(run?.results.map(({ level }) => level)).toEqual(['error', 'error', 'warning', 'note'])
  })
})

describe('HTML', () => {
  const page = htmlText(checked, '1.2.3')

  test('is one page that loads nothing and runs nothing', () => {
    expect(page).toMatch(/^<!doctype html>/)
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
    expect(page).not.toMatch(/<script|<link|<img|src=|@import|url\(/)
  })

  test('is HTML without an error', () => {
    const errors: string[] = []
    parse(page, { onParseError: ({ code }) => errors.push(code) })
    expect(errors).toEqual([])
  })

  test('shows what scripts say as text', () => {
    expect(page).toContain('a b/&lt;x&gt;.lua')
    expect(page).not.toContain('<x>')
  })
})
