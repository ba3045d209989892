// A cursor over tokens, which the parts of the parser share.
import type { Token } from './lexer.ts'

export interface Reader {
  /** The token in hand. */
  readonly peek: () => Token
  readonly next: () => Token
  readonly is: (text: string) => boolean
  /** Takes the token in hand if it is this keyword or symbol. */
  readonly accept: (text: string) => boolean
  /** Takes it, or raises. */
  readonly expect: (text: string) => Token
  readonly name: () => Token
  /** Raises when a script is nested too deeply to be walked. */
  readonly deeper: <T>(read: () => T) => T
}

/** A script that the parser cannot read. The engine accepts none of these, but for depth. */
export class ParseError extends Error {
  override readonly name = 'ParseError'
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/** As the engine: it allows 200 levels of its own counting, of which some take two of ours. */
const DEEPEST = 600

export function readerOf(tokens: readonly Token[]): Reader {
  let index = 0
  let depth = 0
  const end = tokens.at(-1) ?? { kind: 'end', text: '<eof>', at: 0 }
  const peek = (): Token => tokens[index] ?? end
  const next = (): Token => tokens[index++] ?? end
  const is = (text: string): boolean => {
    const token = peek()
    return token.text === text && (token.kind === 'keyword' || token.kind === 'symbol')
  }
  const fail = (expected: string): never => {
    throw new ParseError(`${expected} expected near '${peek().text}'`, peek().at)
  }
  return {
    peek,
    next,
    is,
    accept: (text) => is(text) && Boolean(next()),
    expect: (text) => (is(text) ? next() : fail(`'${text}'`)),
    name: () => (peek().kind === 'name' ? next() : fail('a name')),
    deeper(read) {
      if (++depth > DEEPEST) throw new ParseError('nested too deeply', peek().at)
      const result = read()
      depth--
      return result
    },
  }
}
