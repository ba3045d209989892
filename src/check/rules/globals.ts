// Globals: read where nothing defines them, and written while mail is handled. All sessions of a server
// share them, so what one leaves there another finds.
import { findEntry, findLibrary, isNamespace } from '../catalogue.ts'
import type { Owner } from '../facts.ts'
import { nearest } from '../nearest.ts'
import { fieldsOf, type Program, type Script } from '../program.ts'
import { type Report, tell } from '../report.ts'
import type { Expression, Name } from '../syntax/ast.ts'

export function checkGlobals(program: Program, report: Report): void {
  const shared = sharedGlobals(program)
  for (const script of program.scripts) {
    checkReads(program, report, script, shared)
    checkWrites(program, report, script)
  }
}

function checkReads(
  program: Program,
  report: Report,
  script: Script,
  shared: ReadonlySet<string>,
): void {
  if (script.isDynamic) return
  const { facts, module } = script
  const near = nearbyGlobals(program, script)
  const probed = probedNames(
    facts.expressions.map(({ node }) => node),
    facts.conditions,
  )
  for (const { node } of facts.globalReads) {
    const { name } = node
    const isOwn = module !== undefined && fieldsOf(program, script).has(name)
    const isThere = isBuiltIn(name) || isOwn || shared.has(name) || near.has(name)
    if (isThere || isUserModule(program, name) || program.modules.has(name)) continue
    const words = ['nil', 'true', 'false', ...near, ...localNames(script)]
    const meant = nearest(name, words)
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`
    tell(
      report,
      'undefined-global',
      [script, node.at],
      `${name}: nothing defines it: it is nil${hint}`,
      {
        name,
        ...(probed.has(node) && { level: 'warning' }),
      },
    )
  }
}

function isBuiltIn(name: string): boolean {
  return Boolean(findLibrary(name)) || isNamespace(name) || Boolean(findEntry(name))
}

function isUserModule({ scripts }: Program, name: string): boolean {
  return scripts.some(({ module }) => module?.name === name || module?.name.startsWith(`${name}.`))
}

/** What main chunks define; it is there whatever loads first, if it loads at all. */
function sharedGlobals({ scripts }: Program): ReadonlySet<string> {
  const names = new Set<string>()
  for (const { facts, module } of scripts) {
    if (module) continue
    for (const { node, owner } of facts.globalWrites) if (owner === undefined) names.add(node.name)
  }
  return names
}

/** What the script and those that it requires, or that require it, define anywhere. */
function nearbyGlobals(program: Program, script: Script): ReadonlySet<string> {
  const names = new Set<string>()
  for (const one of program.scripts) {
    const isNear =
      one === script ||
      one.requires.some((name) => program.modules.get(name) === script) ||
      script.requires.some((name) => program.modules.get(name) === one)
    if (isNear && !one.module) for (const { node } of one.facts.globalWrites) names.add(node.name)
  }
  return names
}

function localNames({ facts }: Script): Set<string> {
  return new Set([...facts.variables.keys()].map(({ name }) => name))
}

/** Names that are asked whether they are there: `if x`, `x or y`, `not x`. */
function probedNames(
  expressions: readonly Expression[],
  conditions: readonly { readonly node: Expression }[],
): ReadonlySet<Expression> {
  const found = new Set<Expression>(conditions.map(({ node }) => node))
  for (const node of expressions) {
    if (node.kind === 'unary' && node.operator === 'not') found.add(node.operand)
    if (node.kind !== 'binary') continue
    if (node.operator === 'and' || node.operator === 'or') found.add(node.left)
  }
  return found
}

function checkWrites(program: Program, report: Report, script: Script): void {
  for (const { node, owner } of script.facts.globalWrites) {
    if (owner === undefined || runsOnlyAtLoad(program, owner)) continue
    tell(report, 'global-write', [script, node.at], writeText(program, script, node, owner), {
      name: node.name,
    })
  }
}

function writeText(program: Program, script: Script, { name }: Name, owner: Owner): string {
  const callouts = owner && [...(program.runsIn.get(owner) ?? [])].map((callout) => callout.name)
  const where = callouts?.[0] === undefined ? 'at run time' : `in ${callouts[0]}`
  const what = script.module ? `field ${name} of module ${script.module.name}` : `global ${name}`
  return `${what} is written ${where}: all sessions share it, one may read what another left; declare it local`
}

/** Whether nothing but main chunks and `init` call a function. */
function runsOnlyAtLoad(program: Program, owner: Owner): boolean {
  if (owner === undefined) return true
  const callouts = [...(program.runsIn.get(owner) ?? [])]
  if (callouts.length > 0) return callouts.every(({ phase }) => phase.stage === 'load')
  const sites = program.callers.get(owner) ?? []
  return sites.length > 0 && sites.every((site) => site.owner === undefined)
}
