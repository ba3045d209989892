import { afterEach, beforeEach, expect, test } from 'vitest'
import { countRuns, coverageOfFiles, forgetRuns } from '../../src/lua/coverage.ts'
import { OPCODES } from '../../src/lua/engine/interpreter/execute.ts'
import { testHost } from './host.ts'

beforeEach(() => countRuns(true))

afterEach(() => {
  countRuns(false)
  forgetRuns()
})

let runs = 0

/** What a file of these lines covers once its chunk was called. */
function covered(...lines: string[]) {
  const name = `covered-${++runs}.lua`
  const { state } = testHost()
  const results = state.call(state.load(Buffer.from(lines.join('\n')), name), [])
  expect(results).not.toBeInstanceOf(Promise)
  const file = coverageOfFiles().find(({ path }) => path === name)
  return {
    lines: [...(file?.lines ?? [])].map(([line, hits]) => `${line}:${hits}`).join(' '),
    branches: (file?.branches ?? []).map(({ line, ways }) => `${line}:${ways.join('/')}`).join(' '),
    functions: (file?.functions ?? []).map(({ line, entries }) => `${line}:${entries}`).join(' '),
  }
}

test('counts lines that ran, and those that did not', () => {
  const { lines } = covered(
    'local x = 1', // 1
    'if x == 2 then', // 2
    '  x = 3', // 3
    'else', // 4
    '  x = 4', // 5
    'end', // 6
    '', // 7
    'for i = 1, 3 do', // 8
    '  x = x + i', // 9
    'end', // 10
  )
  expect(lines).toBe('1:1 2:1 3:0 5:1 8:4 9:3')
})

test('tells how often a condition went each way', () => {
  const { branches } = covered(
    'for i = 1, 5 do', // 1
    '  if i > 3 then x = i end', // 2
    '  if i == 9 then x = i end', // 3
    '  y = z or i', // 4
    '  z = i > 1 and i', // 5
    'end', // 6
    'while x > 4 do x = x - 1 end', // 7
    'repeat x = x - 1 until x < 0', // 8
  )
  expect(branches).toBe('2:2/3 3:0/5 4:2/3 5:4/1 7:1/1 8:1/4')
})

test('takes a comparison that gives a value for no branch', () => {
  expect(covered('a = 1', 'b = a == 2', 'c = a < 2', 'return a ~= nil').branches).toBe('')
})

test('counts how often functions are entered, and their bodies once they are', () => {
  const { functions, lines } = covered(
    'local mod = {}', // 1
    'function mod:never(x)', // 2
    '  return x', // 3
    'end', // 4
    'function mod:twice()', // 5
    '  while true do return 7 end', // 6
    'end', // 7
    'mod:twice()', // 8
    'mod:twice()', // 9
  )
  expect(functions).toBe('2:0 5:2')
  expect(lines).toBe('1:1 2:1 3:0 5:1 6:2 8:1 9:1')
})

test('counts on where a coroutine or a call of the host goes on', () => {
  const { lines } = covered(
    'local co = coroutine.wrap(function()', // 1
    '  coroutine.yield(1)', // 2
    '  x = 2', // 3
    'end)', // 4
    'co() co()', // 5
    'table.sort({ 2, 1 }, function(a, b)', // 6
    '  return a < b', // 7
    'end)', // 8
  )
  expect(lines).toMatch(/^1:1 2:1 3:1 5:1 6:1 7:[1-9]/)
})

test('counts all states together, and nothing once it is switched off', () => {
  const { state } = testHost()
  const source = Buffer.from('x = 1')
  const hits = () =>
    coverageOfFiles()
      .find(({ path }) => path === 'both.lua')
      ?.lines.get(1)
  void state.call(state.load(source, 'both.lua'), [])
  void testHost().state.call(testHost().state.load(source, 'both.lua'), [])
  expect(hits()).toBe(2)
  countRuns(false)
  void state.call(state.load(source, 'both.lua'), [])
  expect(hits()).toBe(2)
  forgetRuns()
  expect(hits()).toBe(0)
})

test('knows the instructions that it reads by the engine’s numbers', () => {
  expect([3, 44].map((n) => OPCODES[n])).toEqual(['LOADBOOL', 'CLOSURE'])
  expect([31, 32, 33, 34, 35].map((n) => OPCODES[n])).toEqual(['EQ', 'LT', 'LE', 'TEST', 'TESTSET'])
})
