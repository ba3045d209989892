// Every name of the API that is used, and those that do not exist, are not there or belong elsewhere.
import {
  type Entry,
  findEntry,
  findLibrary,
  isForbidden,
  isNamespace,
  isOpen,
  suggest,
} from '../catalogue.ts'
import { fieldOf, valueOf } from '../evaluate.ts'
import type { Within } from '../facts.ts'
import { fieldsOf, type Program, type Script } from '../program.ts'
import { type Report, tell, tellUse } from '../report.ts'
import type { Call, Index, MethodCall } from '../syntax/ast.ts'
import type { Value } from '../value.ts'

type Spot = readonly [script: Script, at: number]

export function checkApi(program: Program, report: Report): void {
  for (const script of program.scripts) {
    const { facts } = script
    for (const { node } of facts.indexes) checkIndex(program, report, script, node)
    for (const { node } of facts.fieldWrites) checkFieldWrite(program, report, script, node)
    for (const call of facts.calls) checkCall(program, report, script, call)
    for (const { node } of facts.globalReads) {
      const entry = findEntry(node.name)
      if (!entry || valueOf(program, node).kind !== 'api') continue
      if (entry.kind !== 'function') continue
      tellEntry(report, [script, node.at], entry)
      if (entry.support === 'partial') {
        const { name, instead, doc } = entry
        const details = { name, doc, level: 'info' } as const
        tell(report, 'undefined-global', [script, node.at], `${name}: ${instead}`, details)
      }
    }
  }
}

function checkIndex(program: Program, report: Report, script: Script, node: Index): void {
  const target = valueOf(program, node.object)
  const spot: Spot = [script, node.at]
  if (node.key.kind === 'string') {
    const { value } = node.key
    if (target.kind === 'api') checkMember(program, report, spot, `${target.path}.${value}`)
    if (target.kind === 'object') checkField(report, spot, target, value)
    if (target.kind === 'module') checkExport(program, report, spot, target.script, value)
  } else if (isOfApi(target)) {
    tellUnknown(report, spot, target.kind === 'api' ? target.path : target.prefix)
  }
}

function isOfApi(value: Value): value is Extract<Value, { kind: 'api' | 'object' }> {
  if (value.kind === 'api') return isNamespace(value.path) && findLibrary(value.path) === undefined
  return value.kind === 'object' && !isOpen(value.prefix)
}

function tellUnknown(report: Report, spot: Spot, owner: string): void {
  const message = `which field of ${owner} this is can only be told at run time: nothing is known about it`
  tell(report, 'unknown', spot, message, { name: `${owner}[…]` })
  const name = `${owner}[…]`
  tellUse(report, spot, { name, kind: 'field', support: 'unknown', instead: '', doc: '' })
}

/** A member of a module of the API, or of a library of Lua. */
function checkMember(program: Program, report: Report, spot: Spot, path: string): void {
  if (program.globals.has(path) || isNamespace(path)) return
  const entry = findEntry(path)
  if (entry) return tellEntry(report, spot, entry)
  if (isForbidden(path)) {
    return tell(report, 'missing', spot, `${path} is not available: scripts may not do this`, {
      name: path,
    })
  }
  const [root = ''] = path.split('.')
  if (findLibrary(path) || OPEN_TABLES.has(root) || !isClosed(path)) return
  const isLua = findLibrary(root) !== undefined && !isNamespace(root)
  tellMissing(report, spot, path, isLua)
}

/** Tables that anybody may put things into. */
const OPEN_TABLES = new Set(['package', '_TLS', '_OSTLS'])

function isClosed(path: string): boolean {
  const owner = path.slice(0, path.lastIndexOf('.'))
  return isNamespace(owner) || findLibrary(owner) === 'table'
}

function tellMissing(report: Report, spot: Spot, name: string, isLua: boolean): void {
  const near = suggest(name)
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  const what = isLua ? 'Lua has no such function here' : 'there is no such name here'
  const details = near === undefined ? { name } : { name, doc: findEntry(near)?.doc ?? '' }
  tell(report, 'missing', spot, `${name}: ${what}: reading it raises or gives nil${hint}`, details)
  const instead = 'it does not exist'
  if (!isLua) tellUse(report, spot, { name, kind: 'field', support: 'missing', instead, doc: '' })
}

function checkField(
  report: Report,
  spot: Spot,
  { prefix, isGuess }: Extract<Value, { kind: 'object' }>,
  key: string,
): void {
  const entry = findEntry(`${prefix}.${key}`) ?? findEntry(`${prefix}:${key}`)
  if (entry) tellEntry(report, spot, entry)
  else if (!isOpen(prefix)) tellNoMember(report, spot, `${prefix}.${key}`, isGuess)
}

function tellNoMember(report: Report, spot: Spot, name: string, isGuess: boolean): void {
  const near = suggest(name.replace(':', '.')) ?? suggest(name.replace('.', ':'))
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  const guess = isGuess ? ' (if the parameter is what its name says)' : ''
  tell(
    report,
    'missing',
    spot,
    `${name}: there is no such field or method${guess}: it raises${hint}`,
    {
      name,
      ...(isGuess && { level: 'warning' }),
      doc: (near !== undefined && findEntry(near)?.doc) || '',
    },
  )
  const instead = 'it does not exist'
  tellUse(report, spot, { name, kind: 'function', support: 'missing', instead, doc: '' })
}

/** A field of what another script gives. */
function checkExport(
  program: Program,
  report: Report,
  spot: Spot,
  owner: Script,
  key: string,
): void {
  const [script] = spot
  if (owner.isDynamic || program.openTables.has(owner) || owner === script) return
  const fields = fieldsOf(program, owner)
  if (fields.has(key) || (fields.size === 0 && !owner.module)) return
  const { name = owner.file, seesGlobals = false } = owner.module ?? {}
  if (seesGlobals && (program.globals.has(key) || findLibrary(key) || isNamespace(key))) return
  if (program.modules.has(`${name}.${key}`)) return
  tell(report, 'missing', spot, `${name} has no field ${key}: it is nil`, {
    name: `${name}.${key}`,
  })
}

function checkFieldWrite(program: Program, report: Report, script: Script, node: Index): void {
  const target = valueOf(program, node.object)
  if (target.kind !== 'object' || node.key.kind !== 'string') return
  checkField(report, [script, node.at], target, node.key.value)
}

function checkCall(
  program: Program,
  report: Report,
  script: Script,
  { node }: Within<Call | MethodCall>,
): void {
  if (node.kind !== 'method') return
  const target = valueOf(program, node.object)
  const spot: Spot = [script, node.at]
  if (target.kind === 'object') {
    const name = `${target.prefix}:${node.name}`
    const entry = findEntry(name)
    if (entry) tellEntry(report, spot, entry)
    else if (!isOpen(target.prefix)) tellNoMember(report, spot, name, target.isGuess)
  } else if (target.kind === 'api') {
    checkMember(program, report, spot, `${target.path}.${node.name}`)
  } else if (target.kind === 'module') {
    const key = node.name
    const found = fieldOf(program, target, { kind: 'text', text: key })
    if (found.kind === 'unknown') checkExport(program, report, spot, target.script, key)
  }
}

function tellEntry(report: Report, spot: Spot, entry: Entry): void {
  const { name, kind, support, instead, doc } = entry
  tellUse(report, spot, { name, kind, support, instead, doc })
  if (support === 'missing' || support === 'stub') {
    tell(report, support, spot, `${name}: ${instead}`, { name, doc })
  }
}
