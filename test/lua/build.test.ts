import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildEngine, PATCHES, patchedSources, stockSources } from '../../src/lua/engine/build.ts'
import { OPCODES } from '../../src/lua/engine/interpreter/execute.ts'
import { applyPatch, supersede } from '../../src/lua/engine/patch.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'engine-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

const patch = { name: 'sample', file: 'a.js', why: 'test', find: 'one', replace: 'two' }

test('replaces exactly what a patch names', () => {
  expect(applyPatch('x one y', patch)).toBe('x two y')
})

test.each([
  ['missing', 'x y', "patch 'sample': found 0 times in a.js, expected 1"],
  ['there twice', 'one one', "patch 'sample': found 2 times in a.js, expected 1"],
])('fails by name when the text is %s', (_, source, message) => {
  expect(() => applyPatch(source, patch)).toThrow(message)
})

test('fails when a pattern matches another number of times than stated', () => {
  const many = { ...patch, find: /o/g, count: 3 }
  expect(() => applyPatch('o o', many)).toThrow('found 2 times in a.js, expected 3')
  expect(applyPatch('o o o', many)).toBe('two two two')
})

test('confines a patch to one function', () => {
  const source = 'const f = function() {\n one\n};\nconst g = function() {\n one\n};\n'
  const within = { ...patch, within: 'const g = function' }
  expect(applyPatch(source, within)).toBe(source.replace(/one\n};\n$/, 'two\n};\n'))
  expect(() => applyPatch(source, { ...within, within: 'const h' })).toThrow(
    "a.js has no 'const h'",
  )
})

test('keeps a superseded function under another name', () => {
  const superseding = supersede('a.js', 'const', 'f', 'test', 'const f = 1;')
  expect(applyPatch('const f = function() {}', superseding)).toBe(
    'const f = 1;\n\nconst stock_f = function() {}',
  )
})

test('every patch fits the stock sources', () => {
  expect(patchedSources(stockSources()).size).toBeGreaterThan(20)
})

test('fails when the stock source of a patch has changed', () => {
  const stock = stockSources()
  stock.set('ltm.js', (stock.get('ltm.js') ?? '').replaceAll('__idiv', '__changed'))
  expect(() => patchedSources(stock)).toThrow("patch 'event __div': found 0 times in ltm.js")
})

test('every patch has its own name and says why', () => {
  expect(new Set(PATCHES.map(({ name }) => name)).size).toBe(PATCHES.length)
  expect(PATCHES.filter(({ why }) => why.length < 4)).toEqual([])
})

test('requires nothing that is not part of the engine', () => {
  const needs = [...patchedSources(stockSources()).values()].flatMap((source) =>
    [...source.matchAll(/require\(["']([^"']+)["']\)/g)].map((match) => match[1]),
  )
  expect(needs.filter((name) => name?.startsWith('./') !== true)).toEqual([])
})

test('numbers the instructions of the interpreter as Fengari does', () => {
  const listed = /const OpCodes = \[([^\]]*)\]/.exec(stockSources().get('lopcodes.js') ?? '')?.[1]
  expect(OPCODES).toEqual([...(listed ?? '').matchAll(/\w+/g)].map(String))
})

test('builds once, then only when the hash differs', () => {
  const target = join(folder, 'engine')
  expect(buildEngine(target)).toBe(true)
  expect(buildEngine(target)).toBe(false)
  expect(readFileSync(join(target, 'package.json'), 'utf8')).toBe('{"type":"commonjs"}\n')
  expect(readFileSync(join(target, 'LICENSE'), 'utf8')).toContain('MIT License')
  writeFileSync(join(target, 'hash'), 'stale')
  expect(buildEngine(target)).toBe(true)
})

test('what root has built, others can read', () => {
  const target = join(folder, 'engine')
  buildEngine(target)
  const modes = [target, join(target, 'fengari.js')].map((path) => statSync(path).mode & 0o004)
  expect([modes, statSync(target).mode & 0o001]).toEqual([[4, 4], 1])
})
