// The definitions for editors: they are Lua, they hold the whole API, and every type in them is defined.
import { describe, expect, test } from 'vitest'
import { settingsText, stubFiles } from '../../src/check/stubs/stubs.ts'
import { parse } from '../../src/check/syntax/parser.ts'
import { openState } from '../../src/lua/state.ts'
import { CORE_CONSTANTS } from '../../src/msys/constants.ts'
import { API } from '../../src/msys/table.ts'
import { PHASES } from '../../src/policy/phases.ts'
import { manual } from '../support/manual.ts'
import { BUDGET } from '../support/policy.ts'

const FILES = stubFiles()
const ALL = [...FILES.values()].join('\n')

describe('definitions', () => {
  test.each([...FILES])('%s is Lua', (path, text) => {
    const state = openState({ print: () => {}, warn: () => {}, roots: [], budget: BUDGET })
    expect(() => state.load(Buffer.from(text), path)).not.toThrow()
    expect(() => parse(text)).not.toThrow()
    expect(text).toMatch(/^---@meta/)
  })

  test('every function, method and field of the API has one', () => {
    for (const { name, parameters } of API) {
      const member = name.split(/[.:]/).at(-1) ?? ''
      const wanted = parameters ? `function ${name}(` : `---@field ${member} `
      expect(ALL.includes(wanted) || ALL.includes(`${name} = nil`), name).toBe(true)
    }
    for (const name of Object.keys(CORE_CONSTANTS)) expect(ALL).toContain(`msys.core.${name} = `)
    for (const { name } of PHASES) expect(ALL).toContain(`function scriptlet:${name}(`)
  })

  test('what the manual says of tests has one', () => {
    const [, section = ''] = /\n## Testing policy\n([^]*?)\n## /.exec(manual()) ?? []
    const table = section.slice(section.indexOf('| structure |'))
    const methods = [...table.matchAll(/`:(\w+)/g)].map(([, name]) => name ?? '')
    expect(methods.length).toBeGreaterThan(30)
    const text = FILES.get('testing.lua') ?? ''
    expect(methods.filter((name) => !text.includes(`:${name}(`))).toEqual([])
    const functions = [...text.matchAll(/^function (\w+)\(/gm)].map(([, name]) => name ?? '')
    expect(functions.filter((name) => !table.includes(name))).toEqual([])
  })

  test('types, what may be nil, callouts and what is not available are said', () => {
    expect(FILES.get('objects.lua')).toContain(`---a context variable, "" when it is unset.
---@param type integer
---@param key? any
---@return string
function msg:context_get(type, key) end
`)
    expect(FILES.get('msys/pcre.lua')).toMatch(
      /@param subject .*\n---@param pattern string\n---@return table\?\n---@return string\?\n---@return integer\?\nfunction msys\.pcre\.match\(/,
    )
    expect(FILES.get('msys/av.lua')).toContain(
      '---Not available: needs a scanner that is licensed separately.\n---@deprecated',
    )
    expect(ALL).toContain('---@return message\nfunction msys.core.ec_message_new(')
    expect(FILES.get('objects.lua')).toMatch(
      /Only in: validate_set_binding\.\n.*\n.*\nfunction msg:binding\(/,
    )
    expect(FILES.get('callouts.lua')).toContain(
      '---@param msg message\n---@param ac ac\n---@param vctx vctx\n---@return integer? verdict',
    )
  })

  test('every type is one of LuaLS or defined here', () => {
    const classes = [...ALL.matchAll(/---@class (\w+)/g)].map(([, name]) => name ?? '')
    const known = new Set([
      ...classes,
      ...'any boolean fun function integer nil number string table userdata true false'.split(' '),
    ])
    const annotations = ALL.matchAll(
      /^---@(?:param \S+|return|type|field \S+) ((?:\{.*?\}|'[^']*'|[^\s{])+)/gm,
    )
    const unknown = [...annotations].flatMap(([, type = '']) =>
      type
        .replaceAll(/'[^']*'|\w+: |[-\d{}()[\]?,]|\.\.\./g, ' ')
        .split(/[\s|:]+/)
        .filter((word) => word !== '' && !known.has(word)),
    )
    expect([...new Set(unknown)]).toEqual([])
  })

  test('the settings name the dialect and the folder', () => {
    expect(JSON.parse(settingsText('_meta'))).toMatchObject({
      'runtime.version': 'Lua 5.1',
      'workspace.library': ['_meta'],
    })
  })
})
