// Definitions for the Lua language server (LuaLS, `---@meta`), made from the table of the API and the
// table of phases: a file for each module, so that `require` finds it, one for objects, one for callouts.
import { CORE_CONSTANTS } from '../../msys/constants.ts'
import { type Declaration, isMethod, memberOf, ownerOf } from '../../msys/declaration.ts'
import { STAGE_TEXTS } from '../../msys/stage.ts'
import { API, CLASSES, CONSTANTS, EMPTY_MODULES } from '../../msys/table.ts'
import { UNAVAILABLE_MODULES } from '../../msys/unavailable.ts'
import { type Argument, type Phase, PHASES } from '../../policy/phases.ts'
import { objectOf } from '../catalogue.ts'
import { TESTING } from './testing.ts'
import { className, parameterType, returnTypes } from './type.ts'

/** The files by path below the folder of definitions. */
export function stubFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>([
    ['objects.lua', objectsText()],
    ['callouts.lua', calloutsText()],
    ['globals.lua', globalsText()],
    ['testing.lua', TESTING],
  ])
  for (const name of moduleNames()) {
    files.set(`${name.replaceAll('.', '/')}.lua`, moduleText(name))
  }
  return files
}

/** Settings for an editor whose folder has the definitions below `library`. */
export function settingsText(library: string): string {
  const settings = {
    $schema: 'https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json',
    'runtime.version': 'Lua 5.1',
    'runtime.nonstandardSymbol': ['!', '!='],
    'workspace.library': [library],
    'diagnostics.globals': ['_TLS', '_OSTLS', 'buffer'],
  }
  return `${JSON.stringify(settings, undefined, 2)}\n`
}

const FUNCTIONS = API.filter((one) => !isMethod(one) && !isObject(ownerOf(one)))

function isObject(owner: string): boolean {
  return CLASSES.some(({ prefix }) => prefix === owner)
}

/** Every module, and those that stand between: `msys` of `msys.core`. */
function moduleNames(): string[] {
  const names = new Set<string>()
  const owners = FUNCTIONS.map(ownerOf).filter((owner) => owner !== '')
  const tables = [...Object.keys(CONSTANTS), ...EMPTY_MODULES, ...Object.keys(UNAVAILABLE_MODULES)]
  for (const name of ['msys.core', ...owners, ...tables]) {
    const steps = name.split('.')
    steps.forEach((_, at) => names.add(steps.slice(0, at + 1).join('.')))
  }
  return [...names].sort()
}

function moduleText(name: string): string {
  const why = UNAVAILABLE_MODULES[name]
  const head = [
    `---@meta ${name}`,
    '',
    ...(why === undefined ? [] : [`---Not available: ${why}.`, '---@deprecated']),
    ...(FUNCTIONS.some((one) => one.name === name) ? [] : [`${name} = ${name} or {}`, '']),
  ]
  const constants = name === 'msys.core' ? CORE_CONSTANTS : (CONSTANTS[name] ?? {})
  const values = Object.entries(constants).map(([key, value]) => `${name}.${key} = ${value}`)
  const functions = FUNCTIONS.filter((one) => ownerOf(one) === name).map(declarationText)
  return [
    ...head,
    ...values,
    ...(values.length > 0 ? [''] : []),
    ...functions,
    `return ${name}`,
    '',
  ].join('\n')
}

function globalsText(): string {
  const functions = FUNCTIONS.filter((one) => ownerOf(one) === '').map(declarationText)
  return ['---@meta', '', ...functions].join('\n')
}

function objectsText(): string {
  const prefixes = new Set([
    ...CLASSES.map(({ prefix }) => prefix),
    ...API.filter(isMethod).map(ownerOf),
  ])
  return ['---@meta', '', ...[...prefixes].map(classText)].join('\n')
}

function classText(prefix: string): string {
  const members = API.filter((one) => ownerOf(one) === prefix)
  const fields = members
    .filter(({ parameters }) => parameters === undefined)
    .map((one) => `---@field ${memberOf(one)} ${returnTypes(one.result)[0] ?? 'any'} ${one.doc}`)
  const methods = members.filter(({ parameters }) => parameters !== undefined)
  const open = CLASSES.find((shape) => shape.prefix === prefix)?.index
    ? ['---@field [any] any']
    : []
  const name = className(prefix)
  const local = prefix === name ? [] : [`---In the manual: \`${prefix}\`.`]
  return [
    ...local,
    `---@class ${name}`,
    ...fields,
    ...open,
    `local ${prefix} = {}`,
    '',
    ...methods.map(declarationText),
  ].join('\n')
}

/** A function with what editors show and check. */
function declarationText(declaration: Declaration): string {
  const { name, parameters, expects, result, support, doc, differs, stages } = declaration
  const isGone = support === 'unavailable'
  const notes = [
    isGone ? `Not available: ${doc}.` : `${doc}.`,
    ...(differs === undefined ? [] : [`Differs from Momentum: ${differs}.`]),
    ...(stages ? [`Only in: ${stages.map((stage) => STAGE_TEXTS[stage]).join(', ')}.`] : []),
  ]
  const head = [...notes.map((note) => `---${note}`), ...(isGone ? ['---@deprecated'] : [])]
  if (parameters === undefined) {
    return [...head, `---@type ${returnTypes(result)[0] ?? 'any'}`, `${name} = nil`, ''].join('\n')
  }
  const params = parameters.map((parameter, index) =>
    parameterText(parameter, SPECIAL[`${name} ${parameter}`] ?? parameterType(expects?.[index])),
  )
  const returns = isGone ? [] : returnTypes(result).map((type) => `---@return ${type}`)
  const names = parameters.map((parameter) => plainName(parameter))
  return [...head, ...params, ...returns, `function ${name}(${names.join(', ')}) end`, ''].join(
    '\n',
  )
}

/** Types that only definitions know. */
const SPECIAL: Readonly<Record<string, string>> = { 'msys.registerModule callouts': 'scriptlet' }

function parameterText(parameter: string, type: string): string {
  if (parameter.startsWith('...')) return `---@param ... ${type} ${parameter.slice(3)}`
  return `---@param ${parameter} ${type}`
}

function plainName(parameter: string): string {
  return parameter.startsWith('...') ? '...' : parameter.replace('?', '')
}

function calloutsText(): string {
  return [
    '---@meta',
    '',
    '---What a script gives to `msys.registerModule`: `local mod = {} ---@type scriptlet`.',
    '---@class scriptlet',
    'local scriptlet = {}',
    '',
    ...PHASES.map(calloutText),
  ].join('\n')
}

function calloutText({ name, arguments: list, result, when }: Phase): string {
  const params = list.map((argument) => `---@param ${argument} ${argumentType(argument)}`)
  const returns = RETURNS[result]
  return [
    `---${when}.`,
    ...params,
    ...(returns === undefined ? [] : [`---@return ${returns}`]),
    `function scriptlet:${name}(${list.join(', ')}) end`,
    '',
  ].join('\n')
}

const RETURNS: Readonly<Record<Phase['result'], string | undefined>> = {
  verdict: 'integer? verdict msys.core.VALIDATE_CONT, VALIDATE_DONE or VALIDATE_AGAIN',
  binding: 'integer? verdict msys.core.VALIDATE_CONT or VALIDATE_DONE',
  final: 'integer? verdict 0 continue, 1 reject, 2 defer',
  ignored: undefined,
  success: 'true',
  auth: 'integer answer msys.core.EC_AUTH_OK, EC_AUTH_FAIL or EC_AUTH_ERROR',
  answer: 'integer?',
}

function argumentType(argument: Argument): string {
  if (argument === 'user' || argument === 'password') return 'string'
  const prefix = objectOf(argument === 'response' ? 'str' : argument)
  return prefix === undefined ? 'any' : className(prefix)
}
