// The grammar of ecelerity.conf (Momentum manual, "conf.overview"):
//   statement: `include` path | name [`=`] value | kind [instance] [`=`] `{` statements `}`
//   value: word | string | `(` items `)` | `[` key `=` item … `]`, commas optional in both
// A scalar without `=` stands on the line of its name. Scopes nest to 20 levels, files to 16.
import { ConfigError, mismatch, quote, type Place } from './error.ts'
import { tokenize, type Token } from './lexer.ts'
import {
  openRoot,
  openScope,
  type Dictionary,
  type List,
  type OpenScope,
  type Text,
  type Value,
} from './tree.ts'

export interface Source {
  /** As named in errors; also what tells files apart. */
  readonly file: string
  /** A byte string. */
  readonly text: string
}

/** The files that an include statement in `from` names: one, or those of a folder. */
export type Include = (path: string, from: Source, place: Place) => readonly Source[]

interface Reader {
  readonly source: Source
  readonly tokens: readonly Token[]
  next: number
  readonly include: Include
  /** The files being read, outermost first. */
  readonly chain: readonly string[]
}

const MAX_SCOPE_DEPTH = 20
const MAX_FILE_DEPTH = 16
const NAME = /^[a-z_][\w.-]*$/i

/** Reads a file and what it includes; throws `ConfigError` for whatever is wrong with the text. */
export function parse(source: Source, include: Include): OpenScope {
  const root = openRoot({ file: source.file, line: 1, column: 1 })
  readFile(source, include, [], root, 0)
  return root
}

function readFile(
  source: Source,
  include: Include,
  outer: readonly string[],
  scope: OpenScope,
  depth: number,
): void {
  const tokens = tokenize(source.text, source.file)
  const chain = [...outer, source.file]
  const reader: Reader = { source, tokens, next: 0, include, chain }
  readStatements(reader, scope, depth)
  if (peek(reader).kind !== 'end') throw unexpected(reader, 'an option, a scope or the end of file')
}

/** Up to a closing brace or the end. */
function readStatements(reader: Reader, scope: OpenScope, depth: number): void {
  for (;;) {
    const token = peek(reader)
    if (token.kind === 'end' || token.kind === '}') return
    if (token.kind !== 'word' || !NAME.test(token.text)) {
      throw unexpected(reader, 'the name of an option or scope')
    }
    reader.next += 1
    const name = token.text.toLowerCase()
    if (name === 'include' || name === 'readonly_include') readInclude(reader, scope, depth)
    else readStatement(reader, scope, name, token, depth)
  }
}

function readInclude(reader: Reader, scope: OpenScope, depth: number): void {
  const { text, place } = readText(reader, 'the path of a file or folder')
  for (const source of reader.include(text, reader.source, place)) {
    if (reader.chain.includes(source.file)) {
      const complaint = `${source.file} includes itself: expected a file that is not being read already`
      throw new ConfigError(place, undefined, complaint)
    }
    if (reader.chain.length >= MAX_FILE_DEPTH) {
      throw tooDeep(place, 'included files', MAX_FILE_DEPTH)
    }
    readFile(source, reader.include, reader.chain, scope, depth)
  }
}

function readStatement(
  reader: Reader,
  scope: OpenScope,
  name: string,
  nameToken: Token,
  depth: number,
): void {
  const { place } = nameToken
  const instance = isText(peek(reader)) ? peek(reader).text : undefined
  const ahead = instance === undefined ? 0 : 1
  const brace = peek(reader, ahead).kind === '=' ? ahead + 1 : ahead
  if (peek(reader, brace).kind === '{') {
    reader.next += brace + 1
    readBraces(reader, openScope(scope, name, instance, place), place, depth + 1)
    return
  }
  if (peek(reader).kind === '=') reader.next += 1
  else if (instance !== undefined && peek(reader).place.line !== nameToken.endLine) {
    throw unexpected(reader, `a value for ${quote(name)}`)
  }
  scope.options.set(name, { name, value: readValue(reader, name), place })
}

function readBraces(reader: Reader, scope: OpenScope, place: Place, depth: number): void {
  if (depth > MAX_SCOPE_DEPTH) throw tooDeep(place, 'scopes', MAX_SCOPE_DEPTH)
  readStatements(reader, scope, depth)
  if (peek(reader).kind === 'end') {
    throw unexpected(reader, `"}" to close ${quote(scope.kind)} of line ${place.line}`)
  }
  reader.next += 1
}

function readValue(reader: Reader, name: string): Value {
  const token = peek(reader)
  if (token.kind === '(') return readList(reader)
  if (token.kind === '[') return readDictionary(reader)
  return readText(reader, `a value for ${quote(name)}`)
}

function readList(reader: Reader): List {
  const { place } = take(reader)
  const items: Text[] = []
  while (peek(reader).kind !== ')') {
    items.push(readText(reader, `a word, a string or ")" of the list of line ${place.line}`))
    if (peek(reader).kind === ',') reader.next += 1
  }
  reader.next += 1
  return { kind: 'list', items, place }
}

function readDictionary(reader: Reader): Dictionary {
  const { place } = take(reader)
  const entries = new Map<string, Text | List>()
  while (peek(reader).kind !== ']') {
    const key = readText(reader, `a key or "]" of the dictionary of line ${place.line}`).text
    if (peek(reader).kind !== '=') throw unexpected(reader, `"=" after the key ${quote(key)}`)
    reader.next += 1
    const isList = peek(reader).kind === '('
    entries.set(key, isList ? readList(reader) : readText(reader, `a value for ${quote(key)}`))
    if (peek(reader).kind === ',') reader.next += 1
  }
  reader.next += 1
  return { kind: 'dictionary', entries, place }
}

function readText(reader: Reader, expected: string): Text {
  if (!isText(peek(reader))) throw unexpected(reader, expected)
  const { text, place } = take(reader)
  return { kind: 'text', text, place }
}

function isText(token: Token): boolean {
  return token.kind === 'word' || token.kind === 'string'
}

function peek(reader: Reader, ahead = 0): Token {
  // The last token is the end; looking past it finds it again.
  return reader.tokens[reader.next + ahead] ?? reader.tokens.at(-1)!
}

function take(reader: Reader): Token {
  const token = peek(reader)
  reader.next += 1
  return token
}

function unexpected(reader: Reader, expected: string): ConfigError {
  const token = peek(reader)
  // A forgotten quotation mark shows only where the next string begins.
  const before = reader.tokens.slice(Math.max(0, reader.next - 3), reader.next)
  const runaway = before.find(
    ({ kind, place, endLine }) => kind === 'string' && endLine > place.line,
  )
  const hint = runaway ? ` (a string before it began on line ${runaway.place.line})` : ''
  return new ConfigError(token.place, undefined, complaintAbout(token, expected) + hint)
}

function complaintAbout(token: Token, expected: string): string {
  if (token.kind === 'bad') return token.text
  if (token.kind === 'end') return `unexpected end of file: ${mismatch(expected)}`
  return mismatch(expected, quote(token.text))
}

function tooDeep(place: Place, what: string, levels: number): ConfigError {
  const complaint = `${what} nest too deeply: expected at most ${levels} levels`
  return new ConfigError(place, undefined, complaint)
}
