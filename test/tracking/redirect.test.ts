import { expect, test } from 'vitest'
import { locationOf } from '../../src/tracking/redirect.ts'

test.each([
  // As it is.
  ['http://www.google.com/', 'http://www.google.com/'],
  ['http://mydomain.com', 'http://mydomain.com'],
  [
    'HTTPS://E.Com:443/%7eA/../b?x=%2f&y=[z]|^`{}\\#"<q>\'',
    'HTTPS://E.Com:443/%7eA/../b?x=%2f&y=[z]|^`{}\\#"<q>\'',
  ],
  [
    "https://e.com/maps/Jack+Astor's+Bar+%26+Grill/@43.7,-79.3,17z/data=!3m2",
    "https://e.com/maps/Jack+Astor's+Bar+%26+Grill/@43.7,-79.3,17z/data=!3m2",
  ],
  // E064, E080, E082, E139
  ['https://e.com/?©x', 'https://e.com/?%C2%A9x'],
  ['https://e.com/App (1).png', 'https://e.com/App%20(1).png'],
  ['https://e.com/p/#color=grün', 'https://e.com/p/#color=gr%C3%BCn'],
  [
    'https://ja.wikipedia.org/wiki/小麦粉',
    'https://ja.wikipedia.org/wiki/%E5%B0%8F%E9%BA%A6%E7%B2%89',
  ],
  ['https://e.com/😀', 'https://e.com/%F0%9F%98%80'],
  ['https://e.com/\ud800', 'https://e.com/%EF%BF%BD'],
  // Hosts.
  ['https://münchen.example/x', 'https://xn--mnchen-3ya.example/x'],
  ['https://ü:p@münchen.example:81?q', 'https://%C3%BC:p@xn--mnchen-3ya.example:81?q'],
  ['http://u@e.com', 'http://u@e.com'],
  ['https://例え.jp\\pfad\\x?q=1', 'https://xn--r8jz45g.jp\\pfad\\x?q=1'],
  // E142
  ['https://e.com/\r\nSet-Cookie:x=1', 'https://e.com/Set-Cookie:x=1'],
  ['https://e.com/\0\x7f\v', 'https://e.com/%00%7F%0B'],
])('%s', (target, location) => {
  expect(locationOf(target)).toBe(location)
})

test.each([
  '',
  'javascript:alert(1)',
  'ftp://e.com/',
  '//e.com',
  'https://',
  'http:///x',
  'https://a b/',
  'x https://e.com/',
])('redirects nowhere for "%s"', (target) => {
  expect(locationOf(target)).toBeUndefined()
})
