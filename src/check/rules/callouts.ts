// Callouts: those that never run, and those that misunderstand what they get or have to give.
import { findPhase, isLaterCallout, type Phase, PHASES, resolvePhase } from '../../policy/phases.ts'
import { valueOf } from '../evaluate.ts'
import { nearest } from '../nearest.ts'
import {
  type Callout,
  fieldsOf,
  type FieldHolder,
  type Program,
  type Registration,
  type Script,
} from '../program.ts'
import { type Report, tell, tellUse } from '../report.ts'
import { endsAlways } from './flow.ts'
import type { Expression, FunctionExpression } from '../syntax/ast.ts'

export function checkCallouts(program: Program, report: Report): void {
  for (const registration of program.registrations) checkModule(program, report, registration)
  for (const callout of program.callouts.values()) {
    const { phase, name, node, script } = callout
    const support = 'supported'
    tellUse(report, [script, node.at], {
      name,
      kind: 'callout',
      support,
      instead: '',
      doc: docOf(phase),
    })
    checkParameters(program, report, callout)
    checkResult(report, callout)
  }
  for (const script of program.scripts) checkRegistration(program, report, script)
}

export function docOf({ name, arguments: list, when }: Phase): string {
  return `${name}(${list.join(', ')}): ${when}`
}

function holderOf({ table }: Registration): FieldHolder | undefined {
  if (table.kind === 'table') return table.node
  return table.kind === 'module' ? table.script : undefined
}

/** Functions of a registered table that are no callouts. */
function checkModule(program: Program, report: Report, registration: Registration): void {
  const holder = holderOf(registration)
  if (!holder) return
  const { script, node, name: moduleName = '…' } = registration
  let usable = program.openTables.has(holder) ? 1 : 0
  for (const [name, definitions] of fieldsOf(program, holder)) {
    for (const { value } of definitions) {
      const run = value && valueOf(program, value)
      if (run?.kind !== 'function') continue
      if (findPhase(resolvePhase(name)) || isLaterCallout(name)) usable++
      if (!findPhase(resolvePhase(name))) tellNoCallout(program, report, name, run.node)
    }
  }
  if (usable > 0) return
  const message = `module ${moduleName} has no callout: nothing of it ever runs`
  tell(report, 'unknown-callout', [script, node.at], message, { name: moduleName })
}

function tellNoCallout(
  program: Program,
  report: Report,
  name: string,
  node: FunctionExpression,
): void {
  const script = program.scriptOfFunction.get(node)
  if (!script) return
  const spot = [script, node.at] as const
  if (isLaterCallout(name)) {
    const instead = 'this callout is not run yet'
    tellUse(report, spot, { name, kind: 'callout', support: 'missing', instead, doc: '' })
    return tell(report, 'missing', spot, `${name}: ${instead}: the function never runs`, { name })
  }
  // A helper that others call may have any name.
  if (program.callers.has(node)) return
  const near = nearest(name, CALLOUTS)
  if (near === undefined && !LOOKS_LIKE_CALLOUT.test(name)) return
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  const phase = near === undefined ? undefined : findPhase(near)
  const message = `${name} is no callout: the function never runs${hint}`
  tell(report, 'unknown-callout', spot, message, { name, doc: phase ? docOf(phase) : '' })
}

const CALLOUTS: readonly string[] = PHASES.map((phase) => phase.name)
const LOOKS_LIKE_CALLOUT = /^(?:validate|core)_/

function checkParameters(program: Program, report: Report, callout: Callout): void {
  const { phase, name, node, script } = callout
  const details = { name, doc: docOf(phase) }
  const gets = `it gets (${phase.arguments.join(', ')})`
  const [first, ...others] = node.parameters
  if (!node.isMethod && first && CUSTOMARY[first.name] !== undefined) {
    const message = `${name} is defined with a dot: its first parameter, ${first.name}, gets the module itself; define it with a colon`
    return tell(report, 'callout-parameters', [script, first.at], message, details)
  }
  others.forEach((parameter, index) => {
    if (!isRead(program, script, parameter)) return
    const argument = phase.arguments[index]
    const what = argument === undefined ? 'always nil' : argument
    if (argument !== undefined && !isMistaken(parameter.name, argument)) return
    const message = `${parameter.name} is ${what} in ${name}: ${gets}`
    tell(report, 'callout-parameters', [script, parameter.at], message, details)
  })
}

/** Whether a parameter has the customary name of another argument. */
function isMistaken(name: string, argument: string): boolean {
  const meant = CUSTOMARY[name]
  return meant !== undefined && meant !== argument && Object.values(CUSTOMARY).includes(argument)
}

/** What authors call the arguments. */
const CUSTOMARY: Readonly<Record<string, string>> = {
  msg: 'msg',
  message: 'msg',
  vctx: 'vctx',
  ac: 'ac',
  accept: 'ac',
  str: 'str',
}

function isRead(program: Program, { facts }: Script, parameter: Expression): boolean {
  if (parameter.kind !== 'name') return false
  const variable = program.variables.get(parameter)
  return facts.expressions.some(
    ({ node }) => node.kind === 'name' && program.variables.get(node) === variable,
  )
}

function checkResult(report: Report, { phase, name, node, script }: Callout): void {
  const details = { name, doc: docOf(phase) }
  const spot = [script, node.end] as const
  if (endsAlways(node.body)) return
  if (name === 'init') {
    const message = 'init can end without returning true: the configuration is refused'
    tell(report, 'init-result', spot, message, details)
  } else if (phase.result === 'verdict' || phase.result === 'binding' || phase.result === 'final') {
    const message = `${name} can end without a result: paniclog says so and mail goes on as with VALIDATE_CONT`
    tell(report, 'callout-result', spot, message, details)
  }
}

/** Scripts that define callouts and register none. */
function checkRegistration(program: Program, report: Report, script: Script): void {
  const mine = program.registrations.filter((one) => one.script === script)
  const { stanza } = script
  if (stanza !== undefined && mine.length > 0 && mine.every(({ name }) => name !== undefined)) {
    const [first] = mine
    if (first && !mine.some(({ name }) => name === stanza)) {
      const message = `the module is registered as "${first.name}", its script stanza is called "${stanza}"`
      tell(report, 'module-name', [script, first.node.at], message, { name: first.name ?? '' })
    }
  }
  if (stanza !== undefined && mine.length === 0 && !registersElsewhere(program, script)) {
    const message = `script "${stanza}" never calls msys.registerModule: nothing of it runs for mail`
    tell(report, 'never-registered', [script, 0], message, { name: stanza })
  }
  for (const { node, definition } of script.facts.fieldWrites) {
    const name = node.key.kind === 'string' ? node.key.value : ''
    const run = definition.value
    if (run?.kind !== 'function' || !LOOKS_LIKE_CALLOUT.test(name)) continue
    const target = valueOf(program, node.object)
    if (!findPhase(resolvePhase(name)) || program.callouts.has(run)) continue
    if (target.kind !== 'table' || isRegistered(program, target.node) || isShared(program, script))
      continue
    const message = `${name} belongs to a table that is never given to msys.registerModule: it never runs`
    tell(report, 'never-registered', [script, node.at], message, { name })
  }
}

function registersElsewhere(program: Program, script: Script): boolean {
  return script.requires.some((name) => {
    const other = program.modules.get(name)
    return program.registrations.some((one) => one.script === other)
  })
}

function isRegistered(program: Program, node: FieldHolder): boolean {
  return program.registrations.some((one) => holderOf(one) === node || holderOf(one) === undefined)
}

/** Whether others require the script: they may register what it gives. */
function isShared(program: Program, script: Script): boolean {
  return [...program.modules.values()].includes(script)
}
