// What policy can name, looked up by name: the table of the API with its constants and modules, and the
// library of a Lua state as it really is. There is no other list.
import { openState } from '../lua/state.ts'
import { FORBIDDEN } from '../lua/library/os.ts'
import { CORE_CONSTANTS } from '../msys/constants.ts'
import { type Declaration, ownerOf, signatureOf } from '../msys/declaration.ts'
import { API, CLASSES, CONSTANTS, EMPTY_MODULES } from '../msys/table.ts'
import { UNAVAILABLE_MODULES } from '../msys/unavailable.ts'
import { nearest } from './nearest.ts'

export type Support = 'supported' | 'partial' | 'stub' | 'missing'

export interface Entry {
  readonly name: string
  readonly kind: 'function' | 'field' | 'constant' | 'module'
  readonly support: Support
  /** What happens instead, or differs; empty where nothing does. */
  readonly instead: string
  readonly doc: string
  readonly declaration?: Declaration
}

/** The entry of `msys.core.x`, `msg:header`, `msg.id`, `msys.pcre`; undefined: there is no such name. */
export function findEntry(name: string): Entry | undefined {
  const found = ENTRIES.get(name)
  if (found) return found
  const owner = Object.keys(UNAVAILABLE_MODULES).find((one) => name.startsWith(`${one}.`))
  if (owner !== undefined) return moduleStub(name, UNAVAILABLE_MODULES[owner] ?? '')
  const field = name.slice(0, Math.max(name.lastIndexOf('.'), 0))
  const why = STUBBED.get(field)
  if (why !== undefined)
    return {
      ...moduleStub(name, why),
      kind: 'constant',
      instead: `not available: ${why}; it is nil`,
    }
  const table = ENTRIES.get(field)
  return table?.kind === 'field' && !OWNERS.has(field) ? { ...table, name } : undefined
}

/** Whether something stands below a name: `msys`, `msys.core`, `json`. */
export function isNamespace(path: string): boolean {
  return NAMESPACES.has(path)
}

/** Modules that can be required. */
export function isModule(name: string): boolean {
  return NAMESPACES.has(name) || LIBRARY.has(name)
}

/** Whether objects of this prefix have fields of any name, as JSON has. */
export function isOpen(prefix: string): boolean {
  return CLASSES.some((shape) => shape.prefix === prefix && shape.index !== undefined)
}

/** The prefix of the objects that a word of a result means: `part` is `msgpart`. */
export function objectOf(word: string): string | undefined {
  return PREFIXES.get(word)
}

/** Lua's own: `print`, `string`, `string.format`; undefined: there is no such thing. */
export function findLibrary(name: string): 'function' | 'table' | 'value' | undefined {
  return LIBRARY.get(name)
}

/** A function of Lua's library that raises here whatever it is given. */
export function isForbidden(name: string): boolean {
  const [library = '', member = ''] = name.split('.')
  return FORBIDDEN[library]?.includes(member) ?? false
}

/** The name that was probably meant, if one is near. */
export function suggest(name: string): string | undefined {
  const separator = /[.:][^.:]*$/.exec(name)?.index ?? -1
  const owner = name.slice(0, separator)
  const member = name.slice(separator + 1)
  const near = nearest(member, MEMBERS.get(owner) ?? [])
  return near === undefined ? undefined : ownersName(owner, near)
}

const LIST_GLOBALS = `
for name, value in pairs(_G) do
  print(name .. " " .. type(value))
  if type(value) == "table" and value ~= _G then
    for key, below in pairs(value) do
      if type(key) == "string" then print(name .. "." .. key .. " " .. type(below)) end
    end
  end
end`

const ENTRIES = new Map<string, Entry>()
for (const declaration of API) ENTRIES.set(declaration.name, entryOf(declaration))
for (const [owner, names] of Object.entries({ 'msys.core': CORE_CONSTANTS, ...CONSTANTS })) {
  for (const [name, value] of Object.entries(names)) {
    const full = `${owner}.${name}`
    const doc = `${full} = ${value}`
    ENTRIES.set(full, { name: full, kind: 'constant', support: 'supported', instead: '', doc })
  }
}
for (const name of EMPTY_MODULES) {
  ENTRIES.set(name, { name, kind: 'module', support: 'supported', instead: '', doc: '' })
}
for (const [name, why] of Object.entries(UNAVAILABLE_MODULES)) {
  ENTRIES.set(name, moduleStub(name, why))
}

const OBJECTS = new Set([
  ...CLASSES.map(({ prefix }) => prefix),
  ...API.filter(({ name }) => name.includes(':')).map(ownerOf),
])
const PREFIXES = new Map([
  ...[...OBJECTS].map((prefix) => [prefix, prefix] as const),
  ...CLASSES.map(({ kind, prefix }) => [kind, prefix] as const),
])
const OWNERS = new Set(API.map(ownerOf))
const NAMESPACES = namespaces()
const MEMBERS = members()
const STUBBED = stubbed()
const LIBRARY = library()

function entryOf(declaration: Declaration): Entry {
  const { name, parameters, result, support, doc, differs = '' } = declaration
  const text = `${signatureOf(declaration)}: ${result}; ${doc}`
  const kind = parameters ? 'function' : 'field'
  if (support === 'unavailable') {
    const instead = `not available: ${doc}; it raises when it is called`
    return { name, kind, support: 'stub', instead, doc: text, declaration }
  }
  const how = differs === '' ? 'supported' : 'partial'
  return { name, kind, support: how, instead: differs, doc: text, declaration }
}

function moduleStub(name: string, why: string): Entry {
  const instead = `not available: ${why}; reading from it raises`
  return { name, kind: 'module', support: 'stub', instead, doc: why }
}

function namespaces(): ReadonlySet<string> {
  const found = new Set<string>()
  for (const { name, kind } of ENTRIES.values()) {
    const steps = name.split('.')
    if (OBJECTS.has(steps[0] ?? '')) continue
    if (name.includes(':')) continue
    const last = kind === 'module' ? steps.length : steps.length - 1
    for (let at = 1; at <= last; at++) found.add(steps.slice(0, at).join('.'))
  }
  return found
}

/** Why nothing of a module is available, by its name. */
function stubbed(): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>()
  for (const { name, support, doc } of API) {
    if (support !== 'unavailable' || name.includes(':')) continue
    const owner = name.slice(0, name.lastIndexOf('.'))
    const others = API.filter((one) => ownerOf(one) === owner)
    if (others.every((one) => one.support === 'unavailable')) reasons.set(owner, doc)
  }
  return reasons
}

function members(): ReadonlyMap<string, readonly string[]> {
  const byOwner = new Map<string, string[]>()
  for (const { name } of ENTRIES.values()) {
    const at = name.search(/[.:][^.:]*$/)
    const owner = name.slice(0, Math.max(at, 0))
    byOwner.set(owner, [...(byOwner.get(owner) ?? []), name.slice(at + 1)])
  }
  return byOwner
}

function ownersName(owner: string, member: string): string {
  return ENTRIES.has(`${owner}:${member}`) ? `${owner}:${member}` : `${owner}.${member}`
}

// What a state without the API holds: globals, and what stands in those that are tables.
function library(): ReadonlyMap<string, 'function' | 'table' | 'value'> {
  const found = new Map<string, 'function' | 'table' | 'value'>([
    ['_TLS', 'table'],
    ['_OSTLS', 'table'],
  ])
  const line = (text: string): void => {
    const [name = '', type = ''] = text.split(' ')
    found.set(name, type === 'function' || type === 'table' ? type : 'value')
  }
  const budget = { cpuMs: 5000, wallMs: 0, allocBytes: 2 ** 28, maxStringBytes: 2 ** 20 }
  const state = openState({ print: line, warn: () => {}, roots: [], budget })
  void state.call(state.load(Buffer.from(LIST_GLOBALS), 'globals'), [])
  state.close()
  return found
}
