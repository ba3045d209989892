// Patterns: what PCRE 8 (UTF-8 mode) gives for them. Strings here are text; they cross as UTF-8.
import { describe, expect, test } from 'vitest'
import { fromText, toText } from '../../src/mail/bytes.ts'
import { MatchLimitError } from '../../src/msys/pcre/machine.ts'
import { match, replace, split } from '../../src/msys/pcre/text.ts'

/** The groups of the first match, as text. */
function groupsOf(pattern: string, subject: string) {
  const found = match(fromText(subject), fromText(pattern))
  if (found?.kind === 'problem') return `${found.message} at ${found.offset}`
  return found?.groups.map(toText)
}

describe('a match', () => {
  test.each<[pattern: string, subject: string, groups: string[] | undefined]>([
    // Captures.
    ['^(\\S+)\\s+(\\S+)$', 'hello there', ['hello there', 'hello', 'there']],
    ['\\S+\\s+\\S+', 'hello there', ['hello there']],
    ['(a)|(b)', 'b', ['b', '', 'b']],
    ['(a)|(b)', 'a', ['a', 'a']],
    ['(?:(a)|b)*', 'ab', ['ab', 'a']],
    ['(?|(a)|(b))c', 'bc', ['bc', 'b']],
    ['x(?=(y))', 'xy', ['x', 'y']],
    ['x(?!(y))', 'xz', ['x']],
    ['foo\\Kbar', 'foobar', ['bar']],
    // Anchors.
    ['^b', 'a\nb', undefined],
    ['(?m)^b', 'a\nb', ['b']],
    ['a$', 'a\n', ['a']],
    ['a\\z', 'a\n', undefined],
    ['a\\Z', 'a\n', ['a']],
    ['a$', 'a\nb', undefined],
    ['(?m)a$', 'a\nb', ['a']],
    ['\\Aa', 'ba', undefined],
    ['\\bfoo\\b', 'a foo.', ['foo']],
    ['o\\B', 'foo ', ['o']],
    // Repetition.
    ['a{2,3}?', 'aaaa', ['aa']],
    ['a{,3}', 'a{,3}', ['a{,3}']],
    ['(a*)*', 'aab', ['aa', '']],
    ['(a|ab)(c|bcd)(d*)', 'abcd', ['abcd', 'a', 'bcd', '']],
    ['a++b', 'aaab', ['aaab']],
    ['a++a', 'aaa', undefined],
    ['(?>a+)a', 'aaa', undefined],
    ['(?U)a+', 'aaa', ['a']],
    ['(?:ab){2,}', 'ababab', ['ababab']],
    ['(?:a|b){3}', 'abab', ['aba']],
    ['".*?"', 'say "a" "b"', ['"a"']],
    ['<[^>]*>', 'a <b> c', ['<b>']],
    ['(?s)a.b', 'a\nb', ['a\nb']],
    ['a.b', 'a\nb', undefined],
    ['a.b', 'a\rb', ['a\rb']],
    // Classes and escapes.
    ['[]a]+', 'a]b', ['a]']],
    ['[^]a]+', 'a]b', ['b']],
    ['[a\\-z]+', 'a-z', ['a-z']],
    ['[\\w.-]+@[\\w.-]+', 'to joe@a-b.example now', ['joe@a-b.example']],
    ['[[:upper:]][[:^space:]]*', 'is Joe here', ['Joe']],
    ['\\Q.*\\E+', 'x.***', ['.***']],
    ['\\x41\\x{42}\\103\\t', 'ABC\t', ['ABC\t']],
    ['a\\Rb', 'a\r\nb', ['a\r\nb']],
    ['a\\h+b', 'a \tb', ['a \tb']],
    ['(?x) a  b # comment', 'ab', ['ab']],
    ['a(?#comment)b', 'ab', ['ab']],
    ['\\@\\-\\/', '@-/', ['@-/']],
    // References, recursion, conditions.
    ['(.)\\1', 'abba', ['bb', 'b']],
    ['(?i)(a)\\1', 'aA', ['aA', 'a']],
    ['(a)?\\1b', 'b', undefined],
    ['\\((?:[^()]|(?R))*\\)', 'f(a(b)c)', ['(a(b)c)']],
    ['(?<n>a|b\\g<n>c)', 'bbacc', ['bbacc', 'bbacc']],
    ['^(<)?a(?(1)>|!)', '<a>', ['<a>', '<']],
    ['^(<)?a(?(1)>|!)', 'a!', ['a!']],
    ['(?(?=a)ab|cd)', 'cd', ['cd']],
    ['(?(DEFINE)(?<octet>\\d{1,3}))^(?&octet)(?:\\.(?&octet)){3}$', '10.0.0.1', ['10.0.0.1']],
    ['(?<=\\$)\\d+', 'cost $15', ['15']],
    ['(?<!\\$)\\b\\d+', '$15 16', ['16']],
    ['(?<=ab|c)d', 'cd', ['d']],
    // Case and UTF-8.
    ['(?i)straSSe', 'STRASSE', ['STRASSE']],
    ['(?i)grüße', 'GRÜßE', ['GRÜßE']],
    ['a(?i:b)c', 'aBc', ['aBc']],
    ['a(?i:b)c', 'aBC', undefined],
    ['(a(?i)b|c)', 'C', ['C', 'C']],
    ['^.$', '€', ['€']],
    ['^..$', '😀é', ['😀é']],
    ['[é-ü]+', 'xéöü', ['éöü']],
    ['\\w+', 'éa', ['a']],
    ['\\p{Lu}\\p{Ll}+', 'x Éa', ['Éa']],
    ['\\p{Greek}+', 'aσςb', ['σς']],
    ['(?i)σ', 'ς', ['ς']],
    ['(?<=é)a', 'éa', ['a']],
    ['é*a', 'ééa', ['ééa']],
    ['.*a', 'éab', ['éa']],
  ])('%j on %j', (pattern, subject, groups) => expect(groupsOf(pattern, subject)).toEqual(groups))

  test('names are keys, and a group that took no part is empty', () => {
    const found = match('key=v', '(?P<key>\\w+)=(?<value>\\w+)(?P<rest>;.*)?')
    expect(found?.kind === 'match' && Object.fromEntries(found.named)).toEqual({
      key: 'key',
      value: 'v',
      rest: '',
    })
  })

  test('one name may be given to several groups', () => {
    const found = match('Sun', '(?J)(?<day>Mon)|(?<day>Sun)')
    expect(found?.kind === 'match' && found.named.get('day')).toBe('Sun')
  })

  test('octets that are not UTF-8 are matched one by one', () => {
    expect(match('caf\xe9 au', 'caf(.) au')).toMatchObject({ groups: ['caf\xe9 au', '\xe9'] })
    expect(match('\xff\xfea', '[^a]+')).toMatchObject({ groups: ['\xff\xfe'] })
    expect(match('\xe9 \xc3\x89', fromText('É'))).toMatchObject({ kind: 'match', start: 2 })
  })
})

describe('a pattern that cannot be used says why and where', () => {
  test.each([
    ['', 'an empty pattern was provided at 0'],
    ['asd(', 'missing ) at 4'],
    ['a)', 'unmatched parentheses at 1'],
    ['[a', 'missing terminating ] for character class at 2'],
    ['*a', 'nothing to repeat at 0'],
    ['a**', 'nothing to repeat at 2'],
    ['\\b+', 'nothing to repeat at 2'],
    ['a{3,2}', 'numbers out of order in {} quantifier at 5'],
    ['a{70000}', 'number too big in {} quantifier at 7'],
    ['[z-a]', 'range out of order in character class at 3'],
    ['[a-\\d]', 'invalid range in character class at 4'],
    ['\\', '\\ at end of pattern at 1'],
    ['(a)\\2', 'reference to non-existent subpattern at 5'],
    ['(?<=a+)b', 'lookbehind assertion is not fixed length at 6'],
    ['(?<n>a)(?<n>b)', 'two named subpatterns have the same name at 11'],
    ['(?z)', 'unrecognized character after (? or (?- at 3'],
    ['[[:foo:]]', 'unknown POSIX class name at 1'],
    ['\\p{Foo}', 'unknown property name after \\P or \\p at 7'],
    ['(*SKIP)a', '(*SKIP) is not supported by this server at 7'],
    ['a\\X', '\\X is not supported by this server at 3'],
    ['('.repeat(300), 'parentheses are too deeply nested at 251'],
  ])('%j: %s', (pattern, problem) => expect(groupsOf(pattern, 'x')).toBe(problem))

  test('a pattern that is not UTF-8', () => {
    expect(match('x', '\xff')).toEqual({
      kind: 'problem',
      message: 'invalid UTF-8 string',
      offset: 0,
    })
  })
})

describe('replace', () => {
  test.each([
    ['quick quick', 'quick', 'slow', 'slow slow'],
    ['quick lemon', '(qu)ick', '$1slow', 'quslow lemon'],
    ['quick', '(qu)ick', '\\1slow', 'quslow'],
    ['quick', '(qu)ic(k)', '${1}sl${2}ow', 'quslkow'],
    ['quick', '(?P<name>qu)ic(k)', '${name}sl$2ow', 'quslkow'],
    ['hello there', 'l(o)', 'hey \\\\1 \\1', 'helhey \\1 o there'],
    ['a', 'a', '[$0][\\0][${0}]', '[a][a][a]'],
    ['a', 'a', '\\$1 \\\\ $', '$1 \\ '],
    ['a', '(a)|(b)', '<$1$2$3>', '<a>'],
    ['aaa', 'a*', 'x', 'xx'],
    ['abc', 'x*', '-', '-a-b-c-'],
    ['éa', '', '-', 'an empty pattern was provided'],
    ['éa', '\\b|x', '-', 'é-a-'],
    ['é€', 'x*', '-', '-é-€-'],
    ['foobar', 'foo\\K', '-', 'foo-bar'],
    ['foo', '(?<=\\Kfoo)', '-', '-'],
    ['ab', '(?=b\\K)', '-', 'ab'],
    ['none', 'x', 'y', 'none'],
    ['a\r\n b', '\\r\\n\\s+', ' ', 'a b'],
  ])('%j, %j by %j', (subject, pattern, replacement, result) => {
    const replaced = replace(fromText(subject), fromText(pattern), fromText(replacement))
    expect(typeof replaced === 'string' ? toText(replaced) : replaced.message).toBe(result)
  })

  test('at most as often as the limit says', () => {
    const replaced = [0, 1, 2, -1].map((limit) => replace('aaa', 'a', 'b', { limit }))
    expect(replaced).toEqual(['aaa', 'baa', 'bba', 'bbb'])
  })

  test('a function sees the match and may keep it', () => {
    const seen: string[] = []
    const replaced = replace('k1 k2', '(?<name>k)(\\d)', ({ groups, named }) => {
      seen.push(`${groups.join('/')} ${named.get('name')}`)
      return groups[2] === '1' ? 'one' : undefined
    })
    expect(replaced).toBe('one k2')
    expect(seen).toEqual(['k1/k/1 k', 'k2/k/2 k'])
  })
})

describe('split', () => {
  test.each<[string, string, number | undefined, string[]]>([
    ['the quick  brown', '\\s+', undefined, ['the', 'quick', 'brown']],
    ['the quick brown fox', '\\s+', 5, ['the', 'quick', 'brown', 'fox']],
    ['the quick brown fox', '\\s+', 3, ['the', 'quick', 'brown fox']],
    ['the quick brown fox', '\\s+', 1, ['the quick brown fox']],
    ['the quick brown fox', '(\\s+|brown\\s+)', undefined, ['the', 'quick', 'fox']],
    [',a,,b,', ',', undefined, ['a', 'b']],
    ['', ',', undefined, []],
    ['abc', 'x*', undefined, ['a', 'b', 'c']],
    ['abc', ',', 0, ['abc']],
  ])('%j by %j, limit %j', (subject, pattern, limit, pieces) => {
    expect(split(subject, pattern, { limit })).toEqual(pieces)
  })
})

describe('hostile patterns and subjects', () => {
  test.each([
    ['(a+)+$', 'a'.repeat(100_000) + 'b'],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'.repeat(100)],
    ['\\s+$', ' '.repeat(100_000) + 'x'],
    ['(a|aa)+$', 'a'.repeat(100) + 'b'],
  ])('%s ends', (pattern, subject) => {
    let steps = 0
    const spend = (more: number): void => {
      steps += more
      if (steps > 100_000) throw new MatchLimitError('enough')
    }
    expect(() => match(subject, pattern, spend)).toThrow('enough')
  })

  test('a match that goes on too long raises by itself', () => {
    expect(() => match('a'.repeat(60) + 'b', '(a+)+$')).toThrow('match limit exceeded')
  })

  test('a recursion without end raises', () => {
    expect(() => match('aaa', '(?R)?a')).toThrow('recursion limit exceeded')
  })

  test.each([
    ['.*foobar', 'x'.repeat(1_000_000)],
    ['x.*y', 'x'.repeat(100_000)],
    ['(?s)<html>.*?</html>', '<html>'.repeat(20_000)],
    ['(?:.|\\n)*', 'ab\n'.repeat(100_000)],
  ])('%s takes linear time', (pattern, subject) => {
    let steps = 0
    match(subject, pattern, (more) => (steps += more))
    expect(steps).toBeLessThan(4 * subject.length)
  })

  test('a result has a limit', () => {
    const replacement = '$0'.repeat(1000)
    expect(() => replace('aaa', 'a', replacement, { longest: 2000 })).toThrow(
      'the result is too long',
    )
  })
})
