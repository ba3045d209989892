import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { testHost } from './host.ts'

const SHARED = `
  counter = (counter or 0) + 1
  local function make() local n = 0 return function(...) n = n + 1 return n, select("#", ...), arg end end
  local s = "constant" .. counter
  return make(), s, function() return counter end`

test('the same file in two states shares no data', () => {
  const [one, two] = [testHost(), testHost()]
  const results = [one, two, one].map(({ run }) => run(SHARED))
  expect(results.map(([, text]) => text)).toEqual(['constant1', 'constant1', 'constant2'])
  one.run('counter = 10')
  expect([one.run('return counter'), two.run('return counter')]).toEqual([[10], [1]])
})

test('one closure of shared code can have another environment', () => {
  const source = 'return function() return name end'
  const [one, two] = [testHost(), testHost()]
  for (const { run, state } of [one, two]) {
    const [read] = run(source)
    state.setGlobal('read', read)
  }
  one.run('name = "global" setfenv(read, { name = "own" })')
  two.run('name = "other"')
  expect([one.run('return read()'), two.run('return read()')]).toEqual([['own'], ['other']])
  expect(one.run(`${source}`)[0]).not.toBe(one.state.getGlobal('read'))
})

test('a file is compiled again when it has changed, and back again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-chunk-'))
  const versionOf = (): unknown =>
    testHost({ roots: [folder] }).run('return require("part").version')[0]
  const versions = [1, 2, 2, 1].map((version) => {
    writeFileSync(join(folder, 'part.lua'), `return { version = ${version} }`)
    return versionOf()
  })
  expect(versions).toEqual([1, 2, 2, 1])
  rmSync(folder, { recursive: true })
})

test('a state that is killed in shared code leaves it as it was for others', () => {
  const source = 'local n = 0 while forever do n = n + 1 end return n'
  const killed = testHost({ budget: { cpuMs: 5, wallMs: 5, allocBytes: 1e6, maxStringBytes: 1e6 } })
  killed.state.setGlobal('forever', true)
  expect(() => killed.run(source)).toThrow('killed')
  expect(testHost().run(source)).toEqual([0])
})

test('compiling costs a call; what is compiled already does not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-chunk-'))
  writeFileSync(
    join(folder, 'large.lua'),
    'if false then\n' + 'x = f(y)\n'.repeat(5000) + 'end return true',
  )
  const budget = { cpuMs: 1000, wallMs: 1000, allocBytes: 1e6, maxStringBytes: 1e6 }
  const load = (allocBytes: number) => {
    const { run } = testHost({ roots: [folder], budget: { ...budget, allocBytes } })
    return () => run('return require("large")')
  }
  expect(load(1e6)).toThrow('allocation limit')
  expect(load(1e8)()).toEqual([true])
  expect(load(1e6)()).toEqual([true])
  rmSync(folder, { recursive: true })
})

test.each([0, 100, 300, 1000])('the column of a syntax error is right behind %i lines', (lines) => {
  const source = `${'x = 1 -- a line\n'.repeat(lines)}  yes = = 2\n`
  expect(() => testHost().load(source)).toThrow(
    new RegExp(`^test\\.lua:${lines + 1}: .*near '=' at column 9`),
  )
})

test.each([
  ['a variable', 'held()'],
  ['a field', 'local t = { held = held } t.held()'],
  ['what is assigned', 'held = held'],
  ['a method', 'local t = setmetatable({}, { __index = { held = held } }) t:held()'],
  ['a function in another', 'local function f() held() end f()'],
])('code that is kept does not keep a closed state alive: %s', async (_, source) => {
  const held = heldByClosed(source)
  const isGone = (): boolean => {
    collect()
    return held.deref() === undefined
  }
  // A WeakRef holds what it was asked for until the turn has ended, a marking under way what has come since.
  await expect.poll(isGone).toBe(true)
  expect(testHost().run('return type(_G)')).toEqual(['table'])
})

test('a state goes on with code that it shares with one that is closed', () => {
  const source = 'local t = { n = n } n = t.n + 1 return ("x"):rep(n)'
  const [one, two] = [testHost(), testHost()]
  for (const { run } of [one, two]) run('n = 0')
  expect([one, two, one].map(({ run }) => run(source)[0])).toEqual(['x', 'x', 'xx'])
  two.state.close()
  expect(one.run(source)).toEqual(['xxx'])
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What only a state refers to that has run this and is closed. */
function heldByClosed(source: string): WeakRef<object> {
  const { state, run } = testHost()
  const own = { calls: 0 }
  state.setGlobal('held', () => void own.calls++)
  run(source)
  state.close()
  return new WeakRef(own)
}
