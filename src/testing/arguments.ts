// What tests give to `session{…}` and `s:send{…}`: tables, read with their mistakes named.
import { LuaCallError } from '../lua/error.ts'
import { isHandle, type LuaTable, type LuaValue } from '../lua/value.ts'

/** A message to be sent. Byte strings. */
export interface MailArguments {
  readonly mailfrom: string | undefined
  readonly rcptto: readonly string[]
  /** Header and body; undefined without one. */
  readonly message: string | undefined
  /** A file with them, beside the test. */
  readonly eml: string | undefined
  /** Variables of the message, there before policy sees it. */
  readonly messageContext: Readonly<Record<string, string>>
  /** What follows the address in MAIL. */
  readonly parameters: string | undefined
}

export interface SessionArguments extends MailArguments {
  /** Paths as written, beside the test. */
  readonly scripts: readonly string[]
  readonly config: string | undefined
  readonly peer: string | undefined
  readonly helo: string | undefined
  readonly listen: string | undefined
  readonly user: string | undefined
  readonly tls: boolean
  /** Variables of the connection. */
  readonly context: Readonly<Record<string, string>>
}

const MAIL_KEYS = ['mailfrom', 'rcptto', 'message', 'eml', 'mess_context', 'parameters']
const SESSION_KEYS = [
  'script',
  'config',
  'peer',
  'helo',
  'listen',
  'user',
  'tls',
  'context',
  ...MAIL_KEYS,
]

export function readSessionArguments(value: LuaValue): SessionArguments {
  const fields = fieldsOf('session', value, SESSION_KEYS)
  return {
    ...readMail('session', fields),
    scripts: fields.list('script'),
    config: fields.text('config'),
    peer: fields.text('peer'),
    helo: fields.text('helo'),
    listen: fields.text('listen'),
    user: fields.text('user'),
    tls: fields.get('tls') === true,
    context: fields.dictionary('context'),
  }
}

export function readMailArguments(value: LuaValue): MailArguments {
  return readMail('send', fieldsOf('send', value, MAIL_KEYS))
}

function readMail(what: string, fields: Fields): MailArguments {
  const [message, eml] = [fields.text('message'), fields.text('eml')]
  if (message !== undefined && eml !== undefined) {
    throw new LuaCallError(`${what}: give message or eml, not both`)
  }
  return {
    mailfrom: fields.text('mailfrom'),
    rcptto: fields.list('rcptto'),
    message,
    eml,
    messageContext: fields.dictionary('mess_context'),
    parameters: fields.text('parameters'),
  }
}

export interface Fields {
  get(key: string): LuaValue
  text(key: string): string | undefined
  /** One text, or a list of them. */
  list(key: string): readonly string[]
  dictionary(key: string): Readonly<Record<string, string>>
}

/** The fields of a table that may have these keys and no others. */
export function fieldsOf(what: string, value: LuaValue, keys: readonly string[]): Fields {
  if (!isHandle(value, 'table'))
    throw new LuaCallError(`${what}: a table was expected: ${what}{ … }`)
  for (const [key] of value.entries()) {
    if (typeof key === 'string' && keys.includes(key)) continue
    throw new LuaCallError(`${what}: unknown key ${show(key)}; known: ${keys.join(', ')}`)
  }
  const get = (key: string): LuaValue => value.get(key)
  const textAt = (key: string, found: LuaValue): string => {
    const text = textOf(found)
    if (text === undefined) throw new LuaCallError(`${what}: ${key}: a string was expected`)
    return text
  }
  return {
    get,
    text: (key) => (get(key) === undefined ? undefined : textAt(key, get(key))),
    list(key) {
      const found = get(key)
      if (found === undefined) return []
      return isHandle(found, 'table')
        ? itemsOf(found).map((item) => textAt(key, item))
        : [textAt(key, found)]
    },
    dictionary(key) {
      const found = get(key)
      if (found === undefined) return {}
      if (!isHandle(found, 'table')) throw new LuaCallError(`${what}: ${key}: a table was expected`)
      return Object.fromEntries(
        [...found.entries()].map(([name, item]) => [
          textAt(key, name),
          textAt(`${key}.${show(name)}`, item),
        ]),
      )
    },
  }
}

/** As Lua takes numbers and booleans for text. */
export function textOf(value: LuaValue): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

export function itemsOf(table: LuaTable): LuaValue[] {
  return Array.from({ length: table.length() }, (_, index) => table.get(index + 1))
}

function show(key: LuaValue): string {
  return typeof key === 'string' ? key : String(textOf(key) ?? 'that is no string')
}
