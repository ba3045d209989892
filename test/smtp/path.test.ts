import { describe, expect, test } from 'vitest'
import { parseMailCommand, type PathOptions } from '../../src/smtp/path.ts'

function address(
  argument: string,
  keyword: 'FROM' | 'TO' = 'TO',
  options: PathOptions = {},
  allowsUnqualified = false,
) {
  const command = parseMailCommand(argument, keyword, options, allowsUnqualified)
  return command.kind === 'path' ? command.address : command.kind
}

function parameters(argument: string) {
  const command = parseMailCommand(argument, 'FROM')
  return command.kind === 'path' ? Object.fromEntries(command.parameters) : command.kind
}

describe('addresses', () => {
  test.each([
    ['TO:<a@b>', 'a', 'b'],
    ['to:<a@b>', 'a', 'b'],
    ['TO: \t<a@b>', 'a', 'b'],
    ['TO :<a@b>', 'a', 'b'],
    ['TO:<User@Example.COM>', 'User', 'Example.COM'],
    ['TO:<a.b+c=d@b.example>', 'a.b+c=d', 'b.example'],
    ["TO:<!#$%&'*+/=?^_`{|}~-@b>", "!#$%&'*+/=?^_`{|}~-", 'b'],
    ['TO:<user%x@y>', 'user%x', 'y'],
    ['TO:<"a b"@x>', '"a b"', 'x'],
    ['TO:<"a@b>"@x>', '"a@b>"', 'x'],
    ['TO:<"a\\"b\\\\"@x>', '"a\\"b\\\\"', 'x'],
    ['TO:<""@x>', '""', 'x'],
    ['TO:<"victim@x y"@internal>', '"victim@x y"', 'internal'],
    ['TO:<a..b.@docomo.example>', 'a..b.', 'docomo.example'],
    ['TO:<a@under_score.example>', 'a', 'under_score.example'],
    ['TO:<a@[1.2.3.4]>', 'a', '[1.2.3.4]'],
    ['TO:<a@[IPv6:2001:db8::1]>', 'a', '[IPv6:2001:db8::1]'],
    ['TO:<a@[ipv6:::ffff:1.2.3.4]>', 'a', '[ipv6:::ffff:1.2.3.4]'],
    ['TO:<\xc3\xa9@\xc3\xa9.example>', '\xc3\xa9', '\xc3\xa9.example'],
    ['TO:<@a.example,@b.example:u@c>', 'u', 'c'],
    ['TO:<@[1.2.3.4]:u@c>', 'u', 'c'],
    [`TO:<${'a'.repeat(64)}@b>`, 'a'.repeat(64), 'b'],
    [`TO:<${'a'.repeat(64)}@${'b'.repeat(189)}>`, 'a'.repeat(64), 'b'.repeat(189)],
  ])('reads %j', (argument, localpart, domain) => {
    expect(address(argument)).toEqual({ text: `${localpart}@${domain}`, localpart, domain })
  })

  test('takes <> for a sender and not for a recipient', () => {
    expect(address('FROM:<>', 'FROM')).toEqual({ text: '', localpart: '', domain: '' })
    expect(address('TO:<>')).toBe('syntax error')
  })

  test.each(['postmaster', 'Postmaster', 'POSTMASTER'])(
    'takes a bare <%s> as recipient',
    (name) => {
      expect(address(`TO:<${name}>`)).toEqual({ text: name, localpart: name, domain: '' })
      expect(address(`FROM:<${name}>`, 'FROM')).toBe('syntax error')
    },
  )

  test.each([
    '',
    'TO',
    'TO:',
    'TO:a@b',
    'TO:<a@b',
    'TO:a@b>',
    'TO:<a>',
    'TO:<a@>',
    'TO:<@b>',
    'TO:<@b:>',
    'TO:<a@b@c>',
    'TO:<a b@c>',
    'TO:< a@b>',
    'TO:<a@b >',
    'TO:<a,b@c>',
    'TO:<a;b@c>',
    'TO:<a:b@c>',
    'TO:<a(b)@c>',
    'TO:<a\\b@c>',
    'TO:<[a]@c>',
    'TO:<<a@b>>',
    'TO:<"a@b>',
    'TO:<"a"b@c>',
    'TO:<a"b"@c>',
    'TO:<"a\\"@c>',
    'TO:<a@b,c>',
    'TO:<a@.b>',
    'TO:<a@b.>',
    'TO:<a@b..c>',
    'TO:<a@[1.2.3]>',
    'TO:<a@[1.2.3.256]>',
    'TO:<a@[1.2.3.4>',
    'TO:<a@[IPv6:xyz]>',
    'TO:<a@[IPv6:1.2.3.4]>',
    'TO:<a@b>x',
    'TO:<a@b>SIZE=1',
    'FROM:<a@b>',
    'TO:<a\0@b>',
    'TO:<a\n@b>',
    'TO:<"a\r"@b>',
    'TO:<"a\tb"@c>',
    'TO:<a@b\x7f>',
    'TO:<a@b> X=\x01',
    `TO:<${'a'.repeat(64)}@${'b'.repeat(190)}>`,
    `TO:<${'a'.repeat(65_536)}@b>`,
  ])('refuses %j', (argument) => {
    expect(address(argument)).toBe('syntax error')
  })

  test.each(['TO:<a.@b>', 'TO:<.a@b>', 'TO:<a..a@b>'])(
    'refuses %j when pedantic, and only then',
    (argument) => {
      expect(address(argument, 'TO', { isPedantic: true })).toBe('syntax error')
      expect(address(argument)).toBeTypeOf('object')
    },
  )

  test('keeps what is valid when pedantic', () => {
    expect(address('TO:<"a..b."@c-d.example>', 'TO', { isPedantic: true })).toBeTypeOf('object')
  })

  test.each([
    ['TO:< a@b >', { text: 'a@b', localpart: 'a', domain: 'b' }],
    ['TO:<  "a b"@c\t>', { text: '"a b"@c', localpart: '"a b"', domain: 'c' }],
    ['TO:< a b@c >', 'syntax error'],
  ])('reads %j where blanks may stand at the brackets', (argument, expected) => {
    expect(address(argument, 'TO', { allowsBlanksInPath: true })).toEqual(expected)
  })

  test.each(['TO:<a@[1.2.3.4]>', 'TO:<a@[IPv6:::1]>'])(
    'refuses %j where literals are',
    (argument) => {
      expect(address(argument, 'TO', { allowsIpLiteral: false })).toBe('syntax error')
    },
  )

  test('takes an address without a domain where it may lack one', () => {
    const bare = { text: 'abuse', localpart: 'abuse', domain: '' }
    expect(address('TO:<abuse>', 'TO', {}, true)).toEqual(bare)
    expect(address('TO:<abuse@>', 'TO', {}, true)).toBe('syntax error')
  })

  test.each(['"', '@a', '@a,', '<', '.', '\\', '"\\', '[', ':'])(
    'takes no more than linear time for many %j',
    (unit) => {
      expect(address(`TO:<${unit.repeat(1_000_000)}`)).toBe('syntax error')
    },
  )
})

describe('parameters', () => {
  test.each([
    ['FROM:<a@b>', {}],
    ['FROM:<a@b> ', {}],
    ['FROM:<a@b> SIZE=1', { SIZE: '1' }],
    [
      'FROM:<a@b>\t size=1  Body=8BITMIME SMTPUTF8',
      { SIZE: '1', BODY: '8BITMIME', SMTPUTF8: true },
    ],
    ['FROM:<> AUTH=<>', { AUTH: '<>' }],
    ['FROM:<> ENVID=a+3Db=c', { ENVID: 'a+3Db=c' }],
    ['FROM:<> __PROTO__=x', 'parameter error'],
    ['FROM:<> X-Y=\xc3\xa9', { 'X-Y': '\xc3\xa9' }],
  ])('reads %j', (argument, expected) => {
    expect(parameters(argument)).toEqual(expected)
  })

  test.each(['SIZE=', '=1', 'SIZE=1 SIZE=2', 'size SIZE', '-X', 'A_B', '<a@b>', 'a,b'])(
    'refuses %j',
    (words) => {
      expect(parameters(`FROM:<a@b> ${words}`)).toBe('parameter error')
    },
  )
})
