// The kinds of snippets that are generated, by what they are about.
import type fc from 'fast-check'
import { formatCall } from './format.ts'
import { compilation } from './lexer.ts'
import { libraryCall } from './library.ts'
import { conversion } from './numerals.ts'
import { patternCall } from './patterns.ts'
import { programRun } from './programs.ts'
import { tableRun } from './tables.ts'

export const KINDS: readonly (readonly [string, fc.Arbitrary<string>])[] = [
  ['programs', programRun],
  ['what compiles, and why not', compilation],
  ['texts as numbers', conversion],
  ['string.format', formatCall],
  ['patterns', patternCall],
  ['tables', tableRun],
  ['the library', libraryCall],
]
