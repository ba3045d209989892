// Puts a program together from its parsed scripts, in steps that each need the ones before: fields of
// tables, modules and their callouts, who calls whom, and in which callouts a function runs.
import { findPhase, resolvePhase } from '../policy/phases.ts'
import { calledFunction, calledName, valueOf } from './evaluate.ts'
import type { Definition } from './facts.ts'
import { type Callout, fieldsOf, type Program, type Registration, type Script } from './program.ts'
import type { FunctionExpression, TableExpression } from './syntax/ast.ts'

export function buildProgram(
  scripts: readonly Script[],
  required: ReadonlyMap<string, Script>,
): Program {
  const modules = new Map(required)
  for (const script of scripts) if (script.module) modules.set(script.module.name, script)
  const program: Program = {
    scripts,
    modules,
    variables: new Map(scripts.flatMap(({ facts }) => [...facts.variables])),
    scriptOfGlobal: new Map(
      scripts.flatMap((script) =>
        [...script.facts.globalReads, ...script.facts.globalWrites].map(
          ({ node }) => [node, script] as const,
        ),
      ),
    ),
    scriptOfFunction: new Map(
      scripts.flatMap((script) => script.facts.functions.map(({ node }) => [node, script])),
    ),
    ownerOfFunction: new Map(
      scripts.flatMap(({ facts }) => facts.functions.map(({ node, owner }) => [node, owner])),
    ),
    globals: new Map(),
    fields: new Map(),
    holders: new Map(),
    openTables: new Set(),
    callers: new Map(),
    registrations: [],
    callouts: new Map(),
    runsIn: new Map(),
    known: new Map(),
  }
  for (const step of [
    addGlobals,
    addHolders,
    addFields,
    addExports,
    addCallouts,
    addCallers,
    addRuns,
  ]) {
    step(program)
    program.known.clear()
  }
  return program
}

function addGlobals(program: Program): void {
  for (const script of program.scripts) {
    for (const { node, definition } of script.facts.globalWrites) {
      if (script.module) add(fieldsOf(program, script), node.name, definition)
      else add(program.globals, node.name, definition)
    }
  }
}

// `function mod:name() … end`
function addHolders(program: Program): void {
  for (const { facts } of program.scripts) {
    for (const { node, definition } of facts.fieldWrites) {
      if (definition.value?.kind !== 'function') continue
      const target = valueOf(program, node.object)
      if (target.kind === 'table') program.holders.set(definition.value, target.node)
      if (target.kind === 'module') program.holders.set(definition.value, target.script)
    }
  }
}

function addFields(program: Program): void {
  for (const { facts } of program.scripts) {
    for (const { node } of facts.expressions) if (node.kind === 'table') addItems(program, node)
    for (const { node, definition } of facts.fieldWrites) {
      const target = valueOf(program, node.object)
      if (target.kind === 'globals' && node.key.kind === 'string') {
        add(program.globals, node.key.value, definition)
      }
      if (target.kind === 'api' && node.key.kind === 'string') {
        add(program.globals, `${target.path}.${node.key.value}`, definition)
      }
      if (target.kind !== 'table' && target.kind !== 'module') continue
      const holder = target.kind === 'table' ? target.node : target.script
      if (node.key.kind === 'string') add(fieldsOf(program, holder), node.key.value, definition)
      else program.openTables.add(holder)
    }
    for (const { node } of facts.calls) {
      const [first] = node.arguments
      if (!first || !OPENING.has(calledName(program, node) ?? '')) continue
      const target = valueOf(program, first)
      if (target.kind === 'table') program.openTables.add(target.node)
      if (target.kind === 'module') program.openTables.add(target.script)
    }
  }
}

/** After these a table has fields that nobody sees. */
const OPENING = new Set(['setmetatable', 'rawset', 'table.insert'])

function addItems(program: Program, node: TableExpression): void {
  const fields = fieldsOf(program, node)
  for (const { key, value } of node.items) {
    if (key?.kind === 'string') add(fields, key.value, { value, index: 0 })
    else if (key) program.openTables.add(node)
  }
}

// A script that returns a table gives its fields to those who require it.
function addExports(program: Program): void {
  for (const script of program.scripts) {
    const last = script.facts.returns.filter(({ owner }) => owner === undefined).at(-1)
    const [value] = last?.node.values ?? []
    if (!value) continue
    const given = valueOf(program, value)
    if (given.kind === 'table') program.fields.set(script, fieldsOf(program, given.node))
    if (given.kind !== 'table' || program.openTables.has(given.node)) program.openTables.add(script)
  }
}

function addCallouts(program: Program): void {
  for (const script of program.scripts) {
    for (const { node, owner } of script.facts.calls) {
      if (calledName(program, node) !== 'msys.registerModule') continue
      const [name, table] = node.arguments.map((one) => valueOf(program, one))
      const registration: Registration = {
        script,
        owner,
        node,
        name: name?.kind === 'text' ? name.text : undefined,
        table: table ?? { kind: 'unknown' },
      }
      program.registrations.push(registration)
    }
  }
  for (const { table } of program.registrations) {
    if (table.kind !== 'table' && table.kind !== 'module') continue
    const holder = table.kind === 'table' ? table.node : table.script
    for (const [name, definitions] of fieldsOf(program, holder)) {
      for (const definition of definitions) addCallout(program, name, definition)
    }
  }
}

function addCallout(program: Program, name: string, { value }: Definition): void {
  const phase = findPhase(resolvePhase(name))
  const run = value && valueOf(program, value)
  const script = run?.kind === 'function' ? program.scriptOfFunction.get(run.node) : undefined
  if (!phase || run?.kind !== 'function' || !script) return
  program.callouts.set(run.node, { phase, name, node: run.node, script })
}

function addCallers(program: Program): void {
  for (const script of program.scripts) {
    for (const { node, owner } of script.facts.calls) {
      const called = calledFunction(program, node)
      if (!called) continue
      const sites = program.callers.get(called.node) ?? []
      sites.push({ script, owner, arguments: called.arguments })
      program.callers.set(called.node, sites)
    }
  }
}

// From each callout down to the functions that it calls, as far as that can be seen.
function addRuns(program: Program): void {
  const calls = new Map<FunctionExpression, FunctionExpression[]>()
  for (const [node, sites] of program.callers) {
    for (const { owner } of sites) if (owner) calls.set(owner, [...(calls.get(owner) ?? []), node])
  }
  for (const callout of program.callouts.values()) mark(program, calls, callout)
}

function mark(
  program: Program,
  calls: ReadonlyMap<FunctionExpression, readonly FunctionExpression[]>,
  callout: Callout,
): void {
  const queue = [callout.node]
  for (let node = queue.pop(); node; node = queue.pop()) {
    const known = program.runsIn.get(node) ?? new Set()
    if (known.has(callout)) continue
    program.runsIn.set(node, known.add(callout))
    queue.push(...(calls.get(node) ?? []))
  }
}

function add(map: Map<string, Definition[]>, name: string, definition: Definition): void {
  const list = map.get(name) ?? []
  list.push(definition)
  map.set(name, list)
}
