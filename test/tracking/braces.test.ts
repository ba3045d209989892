import { expect, test } from 'vitest'
import { html, plain, track } from './track.ts'

const CLICKS = { settings: { opens: false } }

test.each([
  ['{{opening_double_curly()}}x{{closing_double_curly()}}', '{{x}}'],
  ['{{ opening_single_curly() }}\r\n{{\topening_triple_curly()}}', '{\r\n{{{'],
  ['{{closing_single_curly()}}{{closing_triple_curly() }}', '}}}}'],
])('%s', (body, expected) => {
  expect(track(plain(body), CLICKS).parts[0]?.text).toBe(expected)
  expect(track(html(body), CLICKS).parts[0]?.text).toBe(expected)
})

test.each([
  'E026 @media{.a{b:c}}',
  '{{x}}',
  '{{opening_double_curly}}',
  '{opening_double_curly()}',
  '}} {{',
])('other braces stay: %s', (body) => {
  expect(track(plain(body)).message).toBe(plain(body))
  expect(track(html(body), CLICKS).message).toBe(html(body))
})

test('in a target they are the braces too', () => {
  const url = 'http://e.com/?a={{opening_double_curly()}}b}}'
  expect(track(html(`<a href="${url}">{{closing_single_curly()}}</a>`), CLICKS).shown).toEqual([
    '<a href="{http://e.com/?a={{b}}}">}</a>',
  ])
  expect(
    track(html(`<a href="${url}" data-msys-linkname="{{opening_single_curly()}}">`), CLICKS).shown,
  ).toEqual(['<a href="{http://e.com/?a={{b}}}">'])
})

test('E028 in the header they are untouched', () => {
  const message = `Subject: {{opening_double_curly()}} {50%}\r\n${plain('x')}`
  expect(track(message).message).toBe(message)
})
