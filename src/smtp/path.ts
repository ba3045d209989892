// The arguments of MAIL and RCPT: path and parameters (RFC 5321 §4.1.2, RFC 6531 §3.3). Octets above
// 0x7F are taken as UTF-8 without a check; control characters, DEL and NUL are refused anywhere. Source
// routes are dropped (RFC 5321 appendix C), `user%host@domain` is left as it is. Limit, in octets:
// path 256 with its brackets (RFC 5321 §4.5.3.1.3). One pass, no backtracking.
import { isIPv4, isIPv6 } from 'node:net'
import { type Address, NULL_ADDRESS } from '../mail/address.ts'

export interface PathOptions {
  /** Refuses misplaced dots in a local part. */
  readonly isPedantic?: boolean
  /** Takes `< a@b >`. */
  readonly allowsBlanksInPath?: boolean
  readonly allowsIpLiteral?: boolean
}

export type MailCommand =
  | {
      readonly kind: 'path'
      readonly address: Address
      /** Names in upper case; `true` for a name without a value. Values are still xtext. */
      readonly parameters: ReadonlyMap<string, string | true>
    }
  | { readonly kind: 'syntax error' | 'parameter error'; readonly text: string }

/**
 * Parses what follows `MAIL` or `RCPT`, e.g. `FROM:<a@b> SIZE=1`. `<>` is an address for FROM only,
 * a bare `<postmaster>` for TO only, and any other address without a domain where `allowsUnqualified`.
 * The text of an error is fit to be sent.
 */
export function parseMailCommand(
  argument: string,
  keyword: 'FROM' | 'TO',
  options: PathOptions = {},
  allowsUnqualified = false,
): MailCommand {
  if (CONTROL.test(argument)) return syntaxError('control character')
  const start = pathStart(argument, keyword)
  if (start === undefined) return syntaxError(`expected ${keyword}:<address>`)
  const path = parsePath(argument, start, options)
  if ('kind' in path) return path
  const rest = argument.slice(path.end)
  if (rest !== '' && !isBlank(rest, 0)) return syntaxError('unexpected text after the path')

  const { address } = path
  if (address.text === '' && keyword === 'TO') return syntaxError('empty recipient')
  if (address.text !== '' && address.domain === '' && !allowsUnqualified) {
    const isPostmaster = keyword === 'TO' && address.localpart.toLowerCase() === 'postmaster'
    if (!isPostmaster) return syntaxError('domain missing')
  }
  const parameters = parseParameters(rest)
  return 'kind' in parameters ? parameters : { kind: 'path', address, parameters }
}

interface Path {
  readonly address: Address
  /** Where the argument goes on. */
  readonly end: number
}

type Refusal = Extract<MailCommand, { text: string }>

/** Of an address: a path without its brackets. */
const MAX_ADDRESS = 254
// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/
const ATOM_OCTETS = /[\w!#$%&'*+/=?^`{|}~\x80-\xff.-]*/y
const QUOTED = /"(?:[ !#-[\]-~\x80-\xff]|\\[ -~])*"/y
const DOMAIN = /[\w\x80-\xff.-]+/y
const LITERAL = /\[[\w.:]+\]/y
const ROUTE = /@(?:[\w\x80-\xff.-]+|\[[\w.:]+\])(?:,@(?:[\w\x80-\xff.-]+|\[[\w.:]+\]))*:/y
const PARAMETER = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-~\x80-\xff]+))?$/

/** The position after `<`. */
function pathStart(argument: string, keyword: string): number | undefined {
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword) return undefined
  let at = skipBlanks(argument, keyword.length)
  if (argument[at] !== ':') return undefined
  at = skipBlanks(argument, at + 1)
  return argument[at] === '<' ? at + 1 : undefined
}

function parsePath(argument: string, start: number, options: PathOptions): Path | Refusal {
  const skip = (at: number): number => (options.allowsBlanksInPath ? skipBlanks(argument, at) : at)
  let begin = skip(start)
  if (argument[begin] === '>') return { address: NULL_ADDRESS, end: begin + 1 }
  if (argument[begin] === '@') begin += match(ROUTE, argument, begin).length
  const quoted = match(QUOTED, argument, begin)
  const localpart = quoted || match(ATOM_OCTETS, argument, begin)
  let at = begin + localpart.length
  let domain = ''
  if (argument[at] === '@') {
    at++
    domain = match(LITERAL, argument, at) || match(DOMAIN, argument, at)
    if (!isDomain(domain)) return syntaxError('bad domain')
    if (domain.startsWith('[') && options.allowsIpLiteral === false) {
      return syntaxError('address literal not allowed')
    }
    at += domain.length
  }
  const end = skip(at)
  if (localpart === '' || argument[end] !== '>') return syntaxError('bad address')
  if (options.isPedantic && !quoted && MISPLACED_DOT.test(localpart)) {
    return syntaxError('bad local part')
  }
  if (at - begin > MAX_ADDRESS) return syntaxError('path too long')
  return { address: { text: argument.slice(begin, at), localpart, domain }, end: end + 1 }
}

const MISPLACED_DOT = /^\.|\.\.|\.$/

function isDomain(domain: string): boolean {
  if (domain.startsWith('[')) {
    const literal = domain.slice(1, -1)
    return /^ipv6:/i.test(literal) ? isIPv6(literal.slice(5)) : isIPv4(literal)
  }
  return domain !== '' && !MISPLACED_DOT.test(domain)
}

const NO_PARAMETERS: ReadonlyMap<string, string | true> = new Map()

/** `rest` is empty or begins with a blank. */
function parseParameters(rest: string): ReadonlyMap<string, string | true> | Refusal {
  if (rest === '') return NO_PARAMETERS
  const parameters = new Map<string, string | true>()
  for (const word of rest.split(/[ \t]/)) {
    if (word === '') continue
    const [, name, value] = PARAMETER.exec(word) ?? []
    if (name === undefined) return parameterError('malformed parameter')
    const key = name.toUpperCase()
    if (parameters.has(key)) return parameterError(`parameter ${key} given twice`)
    parameters.set(key, value ?? true)
  }
  return parameters
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (isBlank(text, at)) at++
  return at
}

function isBlank(text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t'
}

function syntaxError(text: string): Refusal {
  return { kind: 'syntax error', text }
}

function parameterError(text: string): Refusal {
  return { kind: 'parameter error', text }
}
