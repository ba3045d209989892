import { describe, expect, test } from 'vitest'
import { isSublink, parsePath, trackingPrefix } from '../../src/tracking/path.ts'

describe('trackingPrefix', () => {
  test.each([
    ['click', '', 'https://t.example:8080/f/a/LINK/'],
    ['unsubscribe', '', 'https://t.example:8080/f/a/LINK/'],
    ['click', 'app', 'https://t.example:8080/f/app/LINK/'],
    ['open', '', 'https://t.example:8080/q/LINK/'],
    ['initial_open', '', 'https://t.example:8080/q/LINK/'],
  ] as const)('%s %s', (kind, sublink, url) => {
    expect(trackingPrefix('https', 't.example:8080', kind, sublink, 'LINK')).toBe(url)
  })
})

describe('parsePath', () => {
  test.each([
    ['/f/a/L/R', { route: 'click', sublink: '', linkPart: 'L', recipientPart: 'R' }],
    ['/f/app/L/R', { route: 'click', sublink: 'app', linkPart: 'L', recipientPart: 'R' }],
    ['/q/L/R', { route: 'open', sublink: '', linkPart: 'L', recipientPart: 'R' }],
    // E136
    [
      '/f/a/L/R?fbclid=abc&url=https://evil.example/a',
      { route: 'click', sublink: '', linkPart: 'L', recipientPart: 'R' },
    ],
    ['/q/L/R#x', { route: 'open', sublink: '', linkPart: 'L', recipientPart: 'R' }],
    // E137
    ['/f/a/L%2DM/%5fR%7E', { route: 'click', sublink: '', linkPart: 'L-M', recipientPart: '_R~' }],
    ['/q/L', { route: 'open', sublink: '', linkPart: 'L', recipientPart: '' }],
    ['/q/L/R/S', { route: 'open', sublink: '', linkPart: 'L', recipientPart: 'R/S' }],
    // Once, not twice.
    ['/q/L%252D/R', { route: 'open', sublink: '', linkPart: 'L%252D', recipientPart: 'R' }],
  ])('reads %s', (path, expected) => {
    expect(parsePath(path)).toEqual(expected)
  })

  test.each(['', '/', '/f', '/q', '/f/a', '/e/x', 'f/a/L/R', '/Q/L/R', '/x/q/L/R'])(
    'knows nothing of "%s"',
    (path) => {
      expect(parsePath(path)).toBeUndefined()
    },
  )

  test('gives up on a path without end', () => {
    expect(parsePath(`/q/L/${'R'.repeat(20_000)}`)).toBeUndefined()
  })
})

test.each([
  ['open-in-app', true],
  ['a_b', true],
  ['', false],
  ['a/b', false],
  ['a b', false],
  ['é', false],
  ['x'.repeat(65), false],
])('isSublink(%s) is %s', (word, expected) => {
  expect(isSublink(word)).toBe(expected)
})
