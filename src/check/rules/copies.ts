// What copying, from a manual, a web page or another script, leaves behind.
import { findEntry } from '../catalogue.ts'
import { calledName, valueOf } from '../evaluate.ts'
import { nearest } from '../nearest.ts'
import type { Program, Script } from '../program.ts'
import { type Report, tell } from '../report.ts'
import type { Call, Expression, MethodCall } from '../syntax/ast.ts'

export function checkCopies(program: Program, report: Report): void {
  for (const script of program.scripts) {
    for (const { node } of script.facts.calls) {
      checkArguments(program, report, script, node)
    }
    for (const { node } of script.facts.expressions) {
      if (node.kind !== 'binary' || (node.operator !== '==' && node.operator !== '~=')) continue
      for (const side of [node.left, node.right]) {
        if (isDumped(program, side)) tellDumped(report, script, side)
      }
    }
    checkDictionaries(program, report, script)
  }
  checkSelf(program, report)
}

function checkArguments(
  program: Program,
  report: Report,
  script: Script,
  node: Call | MethodCall,
): void {
  const name = calledName(program, node)
  if (name === undefined) return
  const parameters = findEntry(name)?.declaration?.parameters ?? []
  node.arguments.forEach((argument, index) => {
    const parameter = (parameters[index] ?? '').replace('?', '')
    if (argument.kind === 'string') {
      if (argument.value === parameter) tellLiteral(report, script, argument, name)
      if (parameter === 'pattern' || (index === 1 && MATCHING.test(name))) {
        checkText(report, script, argument, 'pattern')
      } else if (parameter === 'name' || parameter === 'key') {
        checkText(report, script, argument, parameter)
      }
    }
    if (index === 0 && TAKES_APART.test(name) && !isLines(node) && isDumped(program, argument)) {
      tellDumped(report, script, argument)
    }
  })
}

const MATCHING = /^string\.(?:find|gmatch|gsub|match)$/
const TAKES_APART = /^(?:string\.(?:find|gmatch|gsub|match|sub)|msys\.pcre\.\w+)$/

/** Cut into its lines, to be printed one by one. */
function isLines({ arguments: [, pattern] }: Call | MethodCall): boolean {
  return pattern?.kind === 'string' && /^(?:\n|\\n)$/.test(pattern.value)
}

type Text = Extract<Expression, { kind: 'string' }>

function tellLiteral(report: Report, script: Script, { value, at }: Text, name: string): void {
  const message = `"${value}" is the name of the parameter, not a value for it`
  tell(report, 'literal-parameter', [script, at], message, {
    name,
    doc: findEntry(name)?.doc ?? '',
  })
}

function checkText(report: Report, script: Script, { value, at }: Text, what: string): void {
  const text = Buffer.from(value, 'latin1').toString('utf8')
  const foreign = /[\u00a0\u00ad\u200b-\u200f\u2018-\u201e\u2060\ufeff]/u.exec(text)?.[0]
  const entity = /&(?:lt|gt|amp|quot|nbsp);/.exec(text)?.[0]
  const page = what === 'pattern' ? /\[[A-Za-z]+(?: [A-Za-z]+)+\^/.exec(text)?.[0] : undefined
  let found: string | undefined
  if (foreign !== undefined) {
    const code = (foreign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    found = `the character U+${code}`
  } else if (entity !== undefined) found = `${entity}, which is HTML`
  else if (page !== undefined)
    found = `${page} where a class begins: [^ is meant, and a wiki put words in it`
  if (found === undefined) return
  tell(
    report,
    'copied-text',
    [script, at],
    `this ${what} holds ${found}: it was probably copied from a page`,
  )
}

function isDumped(program: Program, node: Expression): boolean {
  const value = valueOf(program, node)
  return value.kind === 'data' && value.from === 'msys.dumper.Dumper'
}

function tellDumped(report: Report, script: Script, { at }: Expression): void {
  const name = 'msys.dumper.Dumper'
  const message = 'this is what the Dumper prints, quotes and braces included: use the value itself'
  tell(report, 'dumped-text', [script, at], message, { name, doc: findEntry(name)?.doc ?? '' })
}

/** `local MSG_CTX = core.ECMESS_CTX_CONN` */
function checkDictionaries(program: Program, report: Report, script: Script): void {
  for (const [node, { definitions }] of script.facts.variables) {
    const [first] = definitions
    if (!first?.value || definitions.length !== 1 || node.at > first.value.at) continue
    const value = valueOf(program, first.value)
    const which =
      value.kind === 'api'
        ? /^msys\.core\.(?:VCTX|ECMESS_CTX)_(CONN|MESS)$/.exec(value.path)?.[1]
        : undefined
    if (which === undefined || value.kind !== 'api') continue
    const saysMessage = /(?:^|_)me?ss?a?g?e?(?:_|$)/i.test(node.name)
    const saysConnection = /(?:^|_)conn(?:ection)?(?:_|$)/i.test(node.name)
    if (saysMessage === saysConnection || saysMessage === (which === 'MESS')) continue
    const other = which === 'CONN' ? 'connection' : 'message'
    const message = `${node.name} is the dictionary of the ${other}: ${value.path}`
    tell(report, 'swapped-constant', [script, node.at], message, { name: value.path })
  }
}

/** `self.limit` where only `self.limits` is ever set. */
function checkSelf(program: Program, report: Report): void {
  const set = new Set<string>()
  for (const { facts } of program.scripts) {
    for (const { node, definition } of facts.fieldWrites) {
      if (node.key.kind !== 'string' || definition.value?.kind === 'nil') continue
      if (isSelf(node.object) || ['table', 'module'].includes(valueOf(program, node.object).kind))
        set.add(node.key.value)
    }
    for (const { node } of facts.expressions) {
      if (node.kind !== 'table') continue
      for (const { key } of node.items) if (key?.kind === 'string') set.add(key.value)
    }
  }
  for (const script of program.scripts) {
    for (const { node } of script.facts.indexes) {
      if (!isSelf(node.object) || node.key.kind !== 'string' || set.has(node.key.value)) continue
      const near = nearest(node.key.value, set)
      if (near === undefined) continue
      const message = `nothing sets self.${node.key.value}; did you mean self.${near}?`
      tell(report, 'unset-field', [script, node.at], message, { name: `self.${node.key.value}` })
    }
  }
}

function isSelf(node: Expression): boolean {
  return node.kind === 'name' && node.name === 'self'
}
