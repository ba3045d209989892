// How functions of the API are called: the number of arguments, the dot or colon, the callout.
import type { Declaration } from '../../msys/declaration.ts'
import { type Stage, STAGE_TEXTS } from '../../msys/stage.ts'
import { findEntry, findLibrary } from '../catalogue.ts'
import { calledName, valueOf } from '../evaluate.ts'
import type { Owner } from '../facts.ts'
import type { Program, Script } from '../program.ts'
import { type Report, tell } from '../report.ts'
import type { Call, Expression, FunctionExpression, MethodCall } from '../syntax/ast.ts'

export function checkCalls(program: Program, report: Report): void {
  for (const script of program.scripts) {
    const inline = inlineFunctions(program, script)
    for (const { node, owner } of script.facts.calls) {
      const name = calledName(program, node)
      if (name === undefined) continue
      checkSeparator(program, report, script, { node, name })
      const declaration = findEntry(name)?.declaration
      if (!declaration) continue
      if (name.includes(':') === (node.kind === 'method'))
        checkArity(report, script, node, declaration)
      if (isDetached(program, node)) continue
      checkPhase(program, report, script, { node, declaration, owner, inline })
    }
  }
}

function checkSeparator(
  program: Program,
  report: Report,
  script: Script,
  { node, name }: { readonly node: Call | MethodCall; readonly name: string },
): void {
  if (node.kind === 'method' && !name.includes(':')) {
    const isThere = findEntry(name) ?? findLibrary(name)
    if (!isThere || program.globals.has(name)) return
    const owner = name.slice(0, name.lastIndexOf('.'))
    const message = `${name} is called with a colon, so it gets ${owner} itself as its first argument: write a dot`
    tell(report, 'wrong-call', [script, node.at], message, { name })
  }
  if (node.kind === 'call' && name.includes(':')) {
    const [self] = node.arguments
    const given = self && valueOf(program, self)
    const [prefix = ''] = name.split(':')
    if (given?.kind === 'object' && given.prefix === prefix) return
    const message = `${name} is a method, called with a dot: it does not get its object; write a colon`
    tell(report, 'wrong-call', [script, node.at], message, {
      name,
      doc: findEntry(name)?.doc ?? '',
    })
  }
}

function checkArity(
  report: Report,
  script: Script,
  node: Call | MethodCall,
  { name, parameters = [] }: Declaration,
): void {
  const given = node.arguments.length
  const last = node.arguments.at(-1)
  const isOpen = last?.kind === 'call' || last?.kind === 'method' || last?.kind === 'vararg'
  const takesMore = parameters.some((one) => one.startsWith('...'))
  const needed = parameters.filter((one) => !one.endsWith('?') && !one.startsWith('...'))
  const details = { name, doc: findEntry(name)?.doc ?? '' }
  if (given < needed.length && !isOpen) {
    const lacking = needed.slice(given).join(', ')
    tell(report, 'arity', [script, node.at], `${name}: ${lacking} is missing: it raises`, details)
  } else if (given > parameters.length && !takesMore) {
    const takes = `it takes ${parameters.length === 0 ? 'none' : parameters.length}`
    const message = `${name} is given ${given} ${given === 1 ? 'argument' : 'arguments'}, ${takes}: the others are ignored`
    tell(report, 'arity', [script, node.at], message, details)
  }
}

interface PhaseCheck {
  readonly node: Call | MethodCall
  readonly declaration: Declaration
  readonly owner: Owner
  readonly inline: ReadonlySet<FunctionExpression>
}

function checkPhase(
  program: Program,
  report: Report,
  script: Script,
  { node, declaration, owner, inline }: PhaseCheck,
): void {
  const { name, stages } = declaration
  if (!stages) return
  const wrong = stagesOf(program, owner, inline).filter(({ stage }) => !stages.includes(stage))
  const [first] = wrong
  if (!first) return
  const where = [...new Set(wrong.map(({ text }) => text))].join(', ')
  const allowed = stages.map((stage) => STAGE_TEXTS[stage]).join(', ')
  const message = `${name} is not allowed ${where}: it raises (only in: ${allowed})`
  tell(report, 'wrong-phase', [script, node.at], message, { name, doc: findEntry(name)?.doc ?? '' })
}

interface Where {
  readonly stage: Stage
  readonly text: string
}

/** Where the code of a function runs, as far as that is known. */
function stagesOf(
  program: Program,
  owner: Owner,
  inline: ReadonlySet<FunctionExpression>,
): readonly Where[] {
  let at = owner
  for (;;) {
    if (at === undefined) return [{ stage: 'load', text: STAGE_TEXTS.load }]
    const callouts = program.runsIn.get(at)
    if (callouts) {
      return [...callouts].map(({ phase, name }) => ({ stage: phase.stage, text: `in ${name}` }))
    }
    if (!inline.has(at)) return []
    at = program.ownerOfFunction.get(at)
  }
}

/** Functions that are given to one of Lua's own, which calls them at once: pcall, string.gsub. */
function inlineFunctions(program: Program, { facts }: Script): ReadonlySet<FunctionExpression> {
  const found = new Set<FunctionExpression>()
  for (const { node } of facts.calls) {
    const name = calledName(program, node)
    if (name === undefined || !findLibrary(name) || name.startsWith('coroutine.')) continue
    for (const argument of node.arguments) if (argument.kind === 'function') found.add(argument)
  }
  return found
}

/** A message of the script's own making may be asked anything, anywhere. */
function isDetached(program: Program, node: Call | MethodCall): boolean {
  return node.kind === 'method' && isMade(program, node.object)
}

function isMade(program: Program, node: Expression): boolean {
  if (node.kind === 'call' || node.kind === 'method') {
    return findEntry(calledName(program, node) ?? '')?.declaration?.result === 'message'
  }
  if (node.kind !== 'name') return false
  const definitions = program.variables.get(node)?.definitions ?? []
  return definitions.some(({ value }) => value !== undefined && isMade(program, value))
}
