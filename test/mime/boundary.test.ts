import { expect, test } from 'vitest'
import { holdsDelimiter, makeBoundary } from '../../src/mime/boundary.ts'

test('a boundary occurs in none of the texts, also not as the beginning of another one', () => {
  const random = ['a', 'ab', 'c'][Symbol.iterator]()
  const next = (): string => random.next().value ?? ''
  const texts = [Buffer.from('x\r\n--=_abc\r\n')]
  expect(makeBoundary(texts, next)).toBe('=_c')
})

test.each([
  ['--b', true],
  ['x\r\n--b\r\ny', true],
  ['x\n--bcd', true],
  ['x--b\r\n y --b', false],
  ['x--b\r\n--b', true],
  ['', false],
])('says whether %j would end a part', (content, expected) => {
  expect(holdsDelimiter(Buffer.from(content), 'b')).toBe(expected)
})
