import { expect, test } from 'vitest'
import { fromUtf8, isAsciiCompatible, toUtf8 } from '../../src/mime/charset.ts'

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

test.each(
  ' utf-8 UTF-8 us-ascii iso-8859-1 ISO-8859-15 windows-1252 koi8-r euc-jp euc-kr x-foo utf hzz'.split(
    ' ',
  ),
)('finds ASCII as it is in %j', (charset) => {
  expect(isAsciiCompatible(charset)).toBe('ascii')
})

test.each(
  'shift_jis Shift-JIS sjis x-sjis windows-31j cp932 ms932 big5 Big5-HKSCS gbk GB2312 gb18030 cp936 cp950 ks_c_5601-1987 KSC5601'.split(
    ' ',
  ),
)('warns of trailing octets in %s', (charset) => {
  expect(isAsciiCompatible(charset)).toBe('multibyte')
})

test.each(['iso-2022-jp', 'ISO-2022-KR', 'csISO2022JP', 'hz-gb-2312', 'HZ', 'utf-7', 'UTF7'])(
  'warns of escape sequences in %s',
  (charset) => {
    expect(isAsciiCompatible(charset)).toBe('stateful')
  },
)

test.each(['utf-16', 'UTF-16LE', 'utf16', 'utf-32be', 'ucs-2', 'ISO-10646-UCS-2', 'unicode'])(
  'warns of wide characters in %s',
  (charset) => {
    expect(isAsciiCompatible(charset)).toBe('wide')
  },
)

test.each([
  ['\xfc', 'iso-8859-1', utf8('ü')],
  ['\x80\x9f', 'windows-1252', utf8('€Ÿ')],
  ['\x80', 'x-unknown', utf8('€')],
  ['c3bc', 'hex', 'c3bc'],
  ['\x81', 'CP437', utf8('ü')],
  ['\x8f\xac', 'cp932', utf8('小')],
  ['\x8a', 'mac-roman', utf8('ä')],
  ['+APw-', 'utf-7', utf8('ü')],
  ['\x81', 'windows-1252', utf8('\x81')],
  ['\xa4', 'iso-8859-15', utf8('€')],
  ['\x93\xfa', ' Shift_JIS ', utf8('日')],
  ['\x1b$BF|\x1b(B', 'iso-2022-jp', utf8('日')],
  ['e\xe5', 'utf-16le', utf8('\ue565')],
  ['\xff', 'utf-8', '\xff'],
  ['\xff', '', '\xff'],
  ['a', 'iso-2022-kr', 'a'],
])('makes %j in %s UTF-8', (value, charset, expected) => {
  expect(toUtf8(value, charset)).toBe(expected)
})

test.each([
  ['ü', 'iso-8859-1', '\xfc'],
  ['€Ÿ', 'ISO-8859-1', '\x80\x9f'],
  ['€', ' windows-1252 ', '\x80'],
  ['€', 'iso-8859-15', '\xa4'],
  ['日', 'Shift_JIS', '\x93\xfa'],
  ['a日b', 'iso-2022-jp', 'a\x1b$BF|\x1b(Bb'],
  ['é', 'utf-16le', '\xe9\0'],
  ['a', 'utf-16be', '\0a'],
  ['a', 'x-unknown', 'a'],
  ['a+é', 'utf-7', 'a+ACsA6Q-'],
  ['ü', 'cp437', '\x81'],
])('makes %j of UTF-8 in %s', (text, charset, expected) => {
  expect(fromUtf8(utf8(text), charset)).toBe(expected)
})

test.each([
  ['日', 'iso-8859-1'],
  ['é', 'us-ascii'],
  ['é', ''],
  ['é', 'x-unknown'],
  ['\u{1f600}', 'iso-2022-jp'],
  ['ｱ', 'iso-2022-jp'],
])('says that %j cannot be written in %j', (text, charset) => {
  expect(fromUtf8(utf8(text), charset)).toBeUndefined()
})

test('makes nothing of what is no UTF-8', () => {
  expect(fromUtf8('\xff', 'iso-8859-1')).toBeUndefined()
  expect(fromUtf8('\xff', 'utf-8')).toBe('\xff')
})
