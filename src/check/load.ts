// From files to scripts: parses each, follows `require`, and says which cannot be read or found. The
// engine has the last word on syntax, so that check and server never disagree.
import { LuaError } from '../lua/error.ts'
import { type LuaState, openState } from '../lua/state.ts'
import { isModule } from './catalogue.ts'
import { type Finding, finding } from './finding.ts'
import { placeOf, type Script } from './program.ts'
import type { Call, Expression, MethodCall } from './syntax/ast.ts'
import { parse } from './syntax/parser.ts'
import { ParseError } from './syntax/reader.ts'
import { factsOf } from './walk.ts'

export interface ScriptSource {
  readonly file: string
  readonly source: Buffer
  /** The name of the script stanza that loads it. */
  readonly stanza?: string
}

export type FoundModule =
  | { readonly kind: 'found'; readonly file: string; readonly source: Buffer }
  | { readonly kind: 'missing'; readonly tried: readonly string[] }

/** Looks for the file of a module as `require` does. */
export type FindModule = (name: string) => FoundModule

export interface Loaded {
  readonly scripts: readonly Script[]
  /** By the name that is required, with dots. */
  readonly modules: ReadonlyMap<string, Script>
  readonly findings: readonly Finding[]
  readonly files: number
}

export function loadScripts(sources: readonly ScriptSource[], find: FindModule): Loaded {
  const loading: Loading = {
    find,
    engine: openState({ print: () => {}, warn: () => {}, roots: [], budget: BUDGET }),
    byFile: new Map(),
    modules: new Map(),
    findings: [],
    queue: sources.map((source) => source),
  }
  for (let next = loading.queue.shift(); next; next = loading.queue.shift()) load(loading, next)
  loading.engine.close()
  const scripts = [...loading.byFile.values()].filter((script) => script !== undefined)
  const modules = new Map<string, Script>()
  for (const [name, file] of loading.modules) {
    const script = loading.byFile.get(file)
    if (script) modules.set(name, script)
  }
  return { scripts, modules, findings: loading.findings, files: loading.byFile.size }
}

interface Loading {
  readonly find: FindModule
  readonly engine: LuaState
  /** Undefined: the file does not parse. */
  readonly byFile: Map<string, Script | undefined>
  /** The file of each module that was required. */
  readonly modules: Map<string, string>
  readonly findings: Finding[]
  readonly queue: ScriptSource[]
}

const BUDGET = { cpuMs: 10_000, wallMs: 0, allocBytes: 2 ** 30, maxStringBytes: 2 ** 28 }

function load(loading: Loading, { file, source, stanza }: ScriptSource): void {
  if (loading.byFile.has(file)) return
  const text = source.toString('latin1')
  const problem = syntaxProblem(loading.engine, file, source)
  if (problem) {
    loading.byFile.set(file, undefined)
    loading.findings.push(problem)
    return
  }
  try {
    const chunk = parse(text)
    const facts = factsOf(chunk)
    const names = requiredNames(facts.calls.map(({ node }) => node))
    const script: Script = {
      file,
      source: text,
      chunk,
      facts,
      module: moduleOf(facts.calls),
      isDynamic: facts.calls.some(({ node }) => isCallOf(node, 'setfenv')),
      stanza,
      requires: names.map(({ name }) => name.replaceAll('/', '.')),
    }
    loading.byFile.set(file, script)
    follow(loading, script, names)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    loading.byFile.set(file, undefined)
    const place = placeOf({ file, source: text }, error.at)
    loading.findings.push(
      finding('syntax', place, `this script cannot be checked: ${error.message}`),
    )
  }
}

function syntaxProblem(engine: LuaState, file: string, source: Buffer): Finding | undefined {
  try {
    engine.load(source, file)
    return undefined
  } catch (error) {
    if (!(error instanceof LuaError)) throw error
    const message = error.message.replace(/^.*?:\d+: /s, '')
    const from = / \(from line (\d+) column (\d+)\)/.exec(error.message)
    const line = Number(from?.[1] ?? error.line ?? 1)
    const column = Number(from?.[2] ?? error.column ?? 1)
    return finding('syntax', { file, line, column }, message)
  }
}

interface Required {
  readonly name: string
  readonly at: number
  /** Under pcall, where it may fail. */
  readonly isProtected: boolean
}

/** The names that are required as they stand; where one is made at run time, every text may be it. */
function requiredNames(calls: readonly (Call | MethodCall)[]): Required[] {
  return calls.flatMap((node): Required[] => {
    const isProtected = isCallOf(node, 'pcall') || isCallOf(node, 'xpcall')
    const [first, second] = node.arguments
    if (isProtected && first?.kind === 'name' && first.name === 'require') {
      return second?.kind === 'string' ? [{ name: second.value, at: second.at, isProtected }] : []
    }
    if (!isCallOf(node, 'require') || first?.kind !== 'string') return []
    return [{ name: first.value, at: first.at, isProtected: false }]
  })
}

function follow(loading: Loading, script: Script, names: readonly Required[]): void {
  for (const { name, at, isProtected } of names) {
    if (isModule(name.replaceAll('/', '.')) || request(loading, name)) continue
    const found = loading.find(name)
    const tried = found.kind === 'missing' ? found.tried : []
    const searched = tried.length === 0 ? '' : `; searched: ${tried.join(', ')}`
    const text = `there is no module ${name}${searched}`
    const details = isProtected ? { name, level: 'info' as const } : { name }
    loading.findings.push(finding('missing-module', placeOf(script, at), text, details))
  }
  for (const { node } of script.facts.calls) {
    const [first] = node.arguments
    if (!isCallOf(node, 'require') || !first || first.kind === 'string') continue
    followTexts(loading, script, first)
  }
}

/** Queues the file of a module; false when there is none. */
function request(loading: Loading, name: string): boolean {
  const key = name.replaceAll('/', '.')
  if (loading.modules.has(key)) return true
  const found = loading.find(name)
  if (found.kind === 'missing') return false
  loading.modules.set(key, found.file)
  loading.queue.push({ file: found.file, source: found.source })
  return true
}

// `for _, name in ipairs(list) do require(name) end`: the texts of the script that are modules.
function followTexts(loading: Loading, script: Script, argument: Expression): void {
  const taken = script.facts.expressions.flatMap(({ node }) => {
    if (node.kind !== 'string' || !/^[\w-]+(?:[./][\w-]+)*$/.test(node.value)) return []
    return !isModule(node.value) && request(loading, node.value) ? [node.value] : []
  })
  const names = [...new Set(taken)].join(', ')
  const text = `which module is required can only be told at run time${names && `; followed: ${names}`}`
  loading.findings.push(finding('unknown', placeOf(script, argument.at), text, { name: 'require' }))
}

function moduleOf(calls: Script['facts']['calls']): Script['module'] {
  for (const { node, owner } of calls) {
    const [name, ...options] = node.arguments
    if (owner !== undefined || !isCallOf(node, 'module') || name?.kind !== 'string') continue
    const seesGlobals = options.some(
      (one) => one.kind === 'index' && one.key.kind === 'string' && one.key.value === 'seeall',
    )
    return { name: name.value, seesGlobals }
  }
  return undefined
}

function isCallOf(node: Call | MethodCall, name: string): boolean {
  return node.kind === 'call' && node.callee.kind === 'name' && node.callee.name === name
}
