// What a test asks of one recipient: `s:rcpt("y@example.net"):expect_header("X-G", "1")`. Expectations give
// the recipient back, so that they can be chained.
import type { HostMethod, LuaClass } from '../lua/binding.ts'
import type { LuaState } from '../lua/state.ts'
import type { LuaValue } from '../lua/value.ts'
import { fieldValue, splitHeader } from '../mime/field.ts'
import { readText } from '../mime/content.ts'
import { describeNode, partsOf, plantTree } from '../mime/tree.ts'
import type { LinkReport } from '../rehearsal/result.ts'
import { textOf } from './arguments.ts'
import { chained, type Expectations } from './chain.ts'
import { complain, expectEqual, quoted } from './complaint.ts'
import { type Finder, numberOf, patternOf, textArgument } from './parameter.ts'
import { logOf, type PlayedRecipient } from './played.ts'

export function recipientClass(state: LuaState, find: Finder): LuaClass<PlayedRecipient> {
  const made: LuaClass<PlayedRecipient> = state.defineClass<PlayedRecipient>({
    name: 'recipient',
    text: ({ rcptto }) => rcptto,
    methods: { ...QUESTIONS, ...chained(expectationsOf(find), (self) => made.wrap(self)) },
  })
  return made
}

const QUESTIONS: Readonly<Record<string, HostMethod<PlayedRecipient>>> = {
  code: ({ reply }) => reply.code,
  reply: ({ reply }) => `${reply.code} ${reply.text}`,
  verdict: ({ verdict }) => verdict,
  message: ({ bytes }) => bytes?.toString('latin1'),
  header: (self, name) => headersOf(self, textArgument('header', 1, name))[0],
  headers: (self, name) => headersOf(self, textArgument('headers', 1, name)),
  body: (self) => textsOf(self).join('\n'),
  context: (self, key) => contextOf(self, textArgument('context', 1, key)),
  binding: (self) => self.copy?.egress.binding,
  links: (self) => linksOf(self).map(linkToLua),
}

function expectationsOf(find: Finder): Expectations<PlayedRecipient> {
  return {
    expect_code: expectCode,
    expect_verdict(self, expected) {
      expectEqual(self.verdict, expected, `verdict for ${self.rcptto}${said(self)}`)
    },
    expect_header: (self, name, value) => expectHeader(self, find, name, { value: textOf(value) }),
    expect_header_match(self, name, pattern) {
      expectHeader(self, find, name, { pattern: patternOf('expect_header_match', 2, pattern) })
    },
    expect_no_header(self, given) {
      const name = textArgument('expect_no_header', 1, given)
      const [found] = headersOf(self, name)
      if (found !== undefined) complain(`header ${name} of ${self.rcptto}`, 'none', quoted(found))
    },
    expect_context(self, key, value) {
      const name = textArgument('expect_context', 1, key)
      expectEqual(contextOf(self, name), textOf(value), `context ${name} of ${self.rcptto}`)
    },
    expect_body: (self, pattern, plain) => expectBody(self, find, pattern, plain === true, true),
    expect_no_body: (self, pattern, plain) =>
      expectBody(self, find, pattern, plain === true, false),
    expect_link: (self, target) => expectLink(self, textArgument('expect_link', 1, target), true),
    expect_no_link: (self, target) =>
      expectLink(self, textArgument('expect_no_link', 1, target), false),
    expect_pixel: expectPixel,
    expect_binding(self, name) {
      expectEqual(self.copy?.egress.binding, name, `binding of ${self.rcptto}`)
    },
  }
}

function expectPixel(self: PlayedRecipient, isThere: LuaValue): void {
  const count = self.copy?.tracking?.pixels.length ?? 0
  const isWanted = isThere !== false
  if (count > 0 !== isWanted)
    complain(`pixels of ${self.rcptto}`, isWanted ? 'one' : 'none', String(count))
}

function expectCode(self: PlayedRecipient, expected: LuaValue): void {
  const code = numberOf('expect_code', 1, expected)
  if (self.reply.code === code) return
  complain(
    `code for ${self.rcptto}`,
    String(code),
    `${self.reply.code} ${self.reply.text}${troubles(self)}`,
  )
}

function expectHeader(
  self: PlayedRecipient,
  find: Finder,
  given: LuaValue,
  { value, pattern }: { readonly value?: string | undefined; readonly pattern?: string },
): void {
  const name = textArgument('expect_header', 1, given)
  const got = headersOf(self, name)
  const isMeant = (one: string): boolean =>
    pattern === undefined ? value === undefined || one === value : find(one, pattern, false)
  if (got.some(isMeant)) return
  const expected =
    pattern === undefined
      ? value === undefined
        ? 'one'
        : quoted(value)
      : `a match of ${quoted(pattern)}`
  const what = `header ${name} of ${self.rcptto}`
  complain(what, expected, got.map(quoted).join(', ') || `none${said(self)}`)
}

function expectBody(
  self: PlayedRecipient,
  find: Finder,
  given: LuaValue,
  isPlain: boolean,
  isWanted: boolean,
): void {
  const pattern = patternOf(isWanted ? 'expect_body' : 'expect_no_body', 1, given)
  const texts = textsOf(self)
  if (texts.some((text) => find(text, pattern, isPlain)) === isWanted) return
  const expected = `${isWanted ? 'a' : 'no'} ${isPlain ? 'part with' : 'match of'} ${quoted(pattern)}`
  complain(
    `body of ${self.rcptto}`,
    expected,
    texts.map(quoted).join('\n            ') || `none${said(self)}`,
  )
}

function expectLink(self: PlayedRecipient, target: string, isWanted: boolean): void {
  const links = linksOf(self)
  const tracked = links.some((link) => link.target === target && link.outcome === 'tracked')
  if (tracked === isWanted) return
  const got = links.map((link) => `${link.target} (${link.outcome})`)
  const what = isWanted ? `a tracked link to ${target}` : `no tracked link to ${target}`
  complain(`links of ${self.rcptto}`, what, got.join('\n            ') || `no links${said(self)}`)
}

function headersOf({ bytes, copy }: PlayedRecipient, name: string): string[] {
  const header = bytes ?? copy?.content.header
  if (!header) return []
  const { fields } = splitHeader(header)
  return fields.filter(({ key }) => key === name.toLowerCase()).map(fieldValue)
}

/** Texts of all its parts, without transfer encoding, in UTF-8. */
function textsOf({ bytes }: PlayedRecipient): string[] {
  if (!bytes) return []
  return [...partsOf(plantTree(splitHeader(bytes)))].flatMap((node) => {
    const described = describeNode(node)
    if (node.container || !described.type.type.startsWith('text/')) return []
    return [readText(node.content, described) ?? '']
  })
}

function contextOf({ copy }: PlayedRecipient, key: string): string | undefined {
  return copy?.after.message[key] ?? copy?.after.connection[key]
}

function linksOf({ copy }: PlayedRecipient): readonly LinkReport[] {
  return copy?.tracking?.links ?? []
}

function linkToLua({ target, name, outcome, tracked }: LinkReport): LuaValue {
  const fields: [string, LuaValue][] = [
    ['target', target],
    ['name', name],
    ['outcome', outcome],
  ]
  return new Map(tracked ? [...fields, ['url', tracked.url]] : fields)
}

/** What stopped the copy, if anything did. */
function said(self: PlayedRecipient): string {
  const { verdict, reply } = self
  return verdict === 'accepted' ? '' : ` (${verdict}: ${reply.code} ${reply.text}${troubles(self)})`
}

/** Lines of paniclog explain what a reply does not tell. */
function troubles({ played }: PlayedRecipient): string {
  return troublesOf(logOf(played, 'paniclog'))
}

export function troublesOf(lines: readonly string[]): string {
  return lines.map((line) => `\n            paniclog: ${line}`).join('')
}
