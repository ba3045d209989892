// Sets of characters as patterns name them: `\w`, `[^a-z]`, `[:alpha:]`, `\p{Lu}`, `.`. As in PCRE
// without its UCP option, only ASCII is a letter, digit or blank for anything but `\p`.

/** A set: octets below 128 (or below 256 when octets are matched) by table, others by question. */
export interface CharSet {
  /** 1 for a member; 256 entries. */
  readonly narrow: Uint8Array
  /** Whether a character above `narrow` belongs to it; none does when it is missing. */
  readonly wide: ((char: number) => boolean) | undefined
}

export const NEWLINE = 10

/** Members below 256 of a test; above, the test itself when it can be true there. */
export function setOf(test: (char: number) => boolean, wide?: CharSet['wide']): CharSet {
  return { narrow: Uint8Array.from({ length: 256 }, (_, char) => (test(char) ? 1 : 0)), wide }
}

/** One octet, the same object for the same octet. */
export function octetSet(octet: number): CharSet {
  return (OCTETS[octet] ??= setOf((char) => char === octet))
}

const OCTETS: CharSet[] = []

export function negate({ narrow, wide }: CharSet): CharSet {
  return {
    narrow: narrow.map((member) => 1 - member),
    wide: wide === undefined ? () => true : (char) => !wide(char),
  }
}

export function union(sets: readonly CharSet[]): CharSet {
  const wides = sets.flatMap(({ wide }) => (wide === undefined ? [] : [wide]))
  return {
    narrow: Uint8Array.from({ length: 256 }, (_, i) => (sets.some((set) => set.narrow[i]) ? 1 : 0)),
    wide: wides.length < 2 ? wides[0] : (char) => wides.some((wide) => wide(char)),
  }
}

/** Characters from one code point to another. */
export function range(from: number, to: number, fold: boolean): CharSet {
  const isIn = (char: number): boolean => char >= from && char <= to
  if (!fold) return setOf(isIn, to > 127 ? isIn : undefined)
  const test = (char: number): boolean => caseForms(char).some(isIn)
  return setOf(
    (char) => (char < 128 ? test(char) : isIn(char)),
    to > 127 || FOLDS_WIDE.some(isIn) ? test : undefined,
  )
}

/** Letters of ASCII that are another case of a letter beyond it: the Kelvin sign and the long s. */
const FOLDS_WIDE = ['K', 'k', 'S', 's'].map((letter) => letter.charCodeAt(0))

/** The character in its other cases, itself among them. */
export function caseForms(char: number): readonly number[] {
  if (char > 0x10ffff || (char >= 0xd800 && char < 0xe000)) return [char]
  const known = formsOf.get(char)
  if (known !== undefined) return known
  const key = foldCase(char)
  const forms = [char, key, single(key, 'toUpperCase'), ...(MORE_FORMS.get(key) ?? [])]
  const found = [...new Set(forms)].filter((form) => foldCase(form) === key)
  if (formsOf.size < 10_000) formsOf.set(char, found)
  return found
}

/** A character that equals that of all its cases (Unicode simple case folding). */
export function foldCase(char: number): number {
  if (char < 128) return char >= 65 && char <= 90 ? char + 32 : char
  // The dotless i is a letter of its own.
  if (char === 0x131) return char
  return single(single(char, 'toUpperCase'), 'toLowerCase')
}

const formsOf = new Map<number, readonly number[]>()

// Characters whose case set has more than two members, by their folded one.
const MORE_FORMS: ReadonlyMap<number, readonly number[]> = (() => {
  const sets = ['kK', 'sſ', 'åÅ', 'µμ', 'σς', 'βϐ', 'εϵ', 'θϑϴ', 'κϰ', 'πϖ', 'ρϱ', 'φϕ', 'ωΩ']
  sets.push('ṡẛ', 'ßẞ', '\u03b9\u0345\u1fbe', 'ǆǅ', 'ǉǈ', 'ǌǋ', 'ǳǲ')
  return new Map(
    sets.map((set) => {
      const chars = Array.from(set, (char) => char.codePointAt(0) ?? 0)
      return [foldCase(chars[0] ?? 0), chars]
    }),
  )
})()

function single(char: number, change: 'toUpperCase' | 'toLowerCase'): number {
  const changed = String.fromCodePoint(char)[change]()
  const code = changed.codePointAt(0) ?? char
  return String.fromCodePoint(code).length === changed.length ? code : char
}

const isDigit = (char: number): boolean => char >= 48 && char <= 57
const isUpper = (char: number): boolean => char >= 65 && char <= 90
const isLower = (char: number): boolean => char >= 97 && char <= 122
const isAlpha = (char: number): boolean => isUpper(char) || isLower(char)
const isSpace = (char: number): boolean => char === 32 || (char >= 9 && char <= 13)
export const isWord = (char: number): boolean => isAlpha(char) || isDigit(char) || char === 95
const isGraph = (char: number): boolean => char > 32 && char < 127

const HORIZONTAL = [9, 32, 0xa0, 0x1680, 0x180e, 0x202f, 0x205f, 0x3000]
const isHorizontal = (char: number): boolean =>
  HORIZONTAL.includes(char) || (char >= 0x2000 && char <= 0x200a)
const isVertical = (char: number): boolean =>
  (char >= 10 && char <= 13) || char === 0x85 || char === 0x2028 || char === 0x2029

export const VERTICAL = setOf(isVertical, isVertical)
export const NOT_NEWLINE = setOf(
  (char) => char !== NEWLINE,
  () => true,
)
export const ALL = setOf(
  () => true,
  () => true,
)

const GENERIC: Readonly<Record<string, CharSet>> = {
  d: setOf(isDigit),
  w: setOf(isWord),
  s: setOf(isSpace),
  h: setOf(isHorizontal, isHorizontal),
  v: VERTICAL,
}

/** The set of `\d`, `\W` and their like; undefined for any other letter. */
export function genericSet(letter: string): CharSet | undefined {
  const set = Object.hasOwn(GENERIC, letter.toLowerCase())
    ? GENERIC[letter.toLowerCase()]
    : undefined
  return set !== undefined && letter < 'a' ? negate(set) : set
}

const POSIX: Readonly<Record<string, (char: number) => boolean>> = {
  alpha: isAlpha,
  lower: isLower,
  upper: isUpper,
  alnum: (char) => isAlpha(char) || isDigit(char),
  ascii: (char) => char < 128,
  blank: (char) => char === 32 || char === 9,
  cntrl: (char) => char < 32 || char === 127,
  digit: isDigit,
  graph: isGraph,
  print: (char) => isGraph(char) || char === 32,
  punct: (char) => isGraph(char) && !isAlpha(char) && !isDigit(char),
  space: isSpace,
  word: isWord,
  xdigit: (char) => isDigit(char) || (char >= 65 && char <= 70) || (char >= 97 && char <= 102),
}

/** The set of `[:name:]`; undefined for a name that PCRE does not know. */
export function posixSet(name: string, fold: boolean): CharSet | undefined {
  const isCase = name === 'upper' || name === 'lower'
  const test = Object.hasOwn(POSIX, name) ? POSIX[isCase && fold ? 'alpha' : name] : undefined
  return test === undefined ? undefined : setOf(test)
}

const SPECIAL: Readonly<Record<string, string>> = {
  Any: '[^]',
  'L&': '[\\p{Lu}\\p{Ll}\\p{Lt}]',
  Xan: '[\\p{L}\\p{N}]',
  Xwd: '[\\p{L}\\p{N}_]',
  Xsp: '[\\p{Z}\\t-\\r]',
  Xps: '[\\p{Z}\\t-\\r]',
}

/** The set of `\p{name}`: a general category, a script, or one of PCRE's own. */
export function propertySet(name: string): CharSet | undefined {
  const source = Object.hasOwn(SPECIAL, name) ? SPECIAL[name] : propertySource(name)
  if (source === undefined) return undefined
  const pattern = new RegExp(`^${source}$`, 'u')
  const test = (char: number): boolean =>
    char < 0x110000 && pattern.test(String.fromCodePoint(char))
  return setOf(test, test)
}

function propertySource(name: string): string | undefined {
  const isCategory = /^[CLMNPSZ][a-z]?$/.test(name)
  if (!isCategory && !/^[A-Z][A-Za-z_]+$/.test(name)) return undefined
  const source = isCategory ? `\\p{${name}}` : `\\p{Script=${name}}`
  try {
    return new RegExp(source, 'u').source
  } catch {
    return undefined // RegExp throws for a script that it does not know.
  }
}
