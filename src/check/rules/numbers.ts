// Numbers and texts: octal where decimal was meant, and comparisons between the two, which raise or never
// hold. Context variables are texts, also those that hold a number.
import { textToNumber } from '../../lua/number.ts'
import { findEntry } from '../catalogue.ts'
import { calledName, valueOf } from '../evaluate.ts'
import type { Program, Script } from '../program.ts'
import { type Report, tell } from '../report.ts'
import type { Binary, Call, Expression, MethodCall } from '../syntax/ast.ts'

export function checkNumbers(program: Program, report: Report): void {
  for (const script of program.scripts) {
    const modes = fileModes(program, script)
    for (const { node } of script.facts.expressions) {
      if (node.kind === 'number' && !modes.has(node)) checkLiteral(report, script, node)
      if (node.kind === 'binary') checkBinary(program, report, script, node)
    }
    for (const { node } of script.facts.calls) checkConversion(program, report, script, node)
  }
}

/** The modes of files are octal for a reason. */
function fileModes(program: Program, { facts }: Script): ReadonlySet<Expression> {
  const found = new Set<Expression>()
  for (const { node } of facts.calls) {
    const parameters = findEntry(calledName(program, node) ?? '')?.declaration?.parameters ?? []
    node.arguments.forEach((argument, index) => {
      if (parameters[index]?.startsWith('mode')) found.add(argument)
    })
  }
  return found
}

function checkLiteral(
  report: Report,
  script: Script,
  { text, at }: Extract<Expression, { kind: 'number' }>,
): void {
  const value = textToNumber(text)
  if (!/^0\d+$/.test(text) || value === undefined || value === Number(text)) return
  const message = `${text} is octal: its value is ${value}, not ${Number(text)}`
  tell(report, 'octal-number', [script, at], message, { name: text })
}

function checkConversion(
  program: Program,
  report: Report,
  script: Script,
  node: Call | MethodCall,
): void {
  if (calledName(program, node) !== 'tonumber') return
  const [argument] = node.arguments
  if (!argument) return
  const value = valueOf(program, argument)
  if (value.kind === 'text' && /^0\d+$/.test(value.text)) {
    tellOctal(report, script, node.at, `"${value.text}"`, textToNumber(value.text))
  }
  if (isPadded(program, argument)) tellPadded(report, script, node.at, 'tonumber')
}

function tellOctal(report: Report, script: Script, at: number, what: string, value?: number): void {
  const gives = value === undefined ? 'nil' : String(value)
  tell(report, 'octal-text', [script, at], `${what} is read as octal: it gives ${gives}`, {
    name: what,
  })
}

function tellPadded(report: Report, script: Script, at: number, by: string): void {
  const message = `os.date pads with zeros and ${by} reads octal: "08" and "09" give no number, "010" gives 8; cut the zero first`
  tell(report, 'octal-text', [script, at], message, { name: 'os.date' })
}

/** `os.date` with a format whose fields are padded with zeros, also by way of a local. */
function isPadded(program: Program, node: Expression): boolean {
  if (node.kind === 'group') return isPadded(program, node.inner)
  if (node.kind === 'name') {
    const definitions = program.variables.get(node)?.definitions ?? []
    return (
      definitions.length === 1 &&
      definitions.every(({ value }) => value && isPadded(program, value))
    )
  }
  if (node.kind !== 'call' || calledName(program, node) !== 'os.date') return false
  const [format] = node.arguments
  const text = format && valueOf(program, format)
  return text?.kind === 'text' && /^!?%[HMSdmIyj]$/.test(text.text)
}

const ORDER = new Set(['<', '>', '<=', '>='])
const ARITHMETIC = new Set(['+', '-', '*', '/', '%', '^', '\\'])

function checkBinary(program: Program, report: Report, script: Script, node: Binary): void {
  const { operator, left, right, at } = node
  if (ARITHMETIC.has(operator)) {
    const padded = [left, right].find((one) => isPadded(program, one))
    if (padded) tellPadded(report, script, padded.at, operator)
  }
  const isOrder = ORDER.has(operator)
  if (!isOrder && operator !== '==' && operator !== '~=') return
  const [a, b] = [typeOf(program, left), typeOf(program, right)]
  if (!a || !b || a.type === b.type) return
  const text = a.type === 'string' ? a : b
  const what = text.from === '' ? 'text' : `the text that ${text.from} gives`
  const effect = isOrder ? 'it raises' : `they are never equal`
  const message = `a number is compared with ${what}: ${effect}; convert it with tonumber`
  tell(report, 'number-text', [script, at], message, {
    name: text.from,
    doc: findEntry(text.from)?.doc ?? '',
  })
}

/** Whether an expression is certainly text or certainly a number, nil aside. */
function typeOf(
  program: Program,
  node: Expression,
): { readonly type: 'string' | 'number'; readonly from: string } | undefined {
  const value = valueOf(program, node)
  if (value.kind === 'text') return { type: 'string', from: '' }
  if (value.kind === 'api' && /^msys\.core\.[A-Z]/.test(value.path))
    return { type: 'number', from: '' }
  if (value.kind !== 'data') return undefined
  const { from } = value
  const types = value.types.filter((type) => type !== 'nil')
  if (types.length === 0) return undefined
  if (types.every((type) => type === 'string')) return { type: 'string', from }
  return types.every((type) => type === 'number' || /^-?\d+$/.test(type))
    ? { type: 'number', from }
    : undefined
}
