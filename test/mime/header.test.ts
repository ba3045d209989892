import { expect, test } from 'vitest'
import { type Field, makeField, splitHeader } from '../../src/mime/field.ts'
import {
  appendFields,
  findFields,
  prependFields,
  removeFields,
  replaceFields,
} from '../../src/mime/header.ts'

const { fields } = splitHeader(Buffer.from('A: 1\r\nB: 2\r\na: 3\r\nC: 4\r\n\r\n'))
const added = [makeField('B', '8'), makeField('B', '9')]
const text = (fields: readonly Field[]): string =>
  Buffer.concat(fields.map((f) => f.bytes)).toString()

test('finds fields in order, whatever their case', () => {
  expect(text(findFields(fields, 'A'))).toBe('A: 1\r\na: 3\r\n')
  expect(findFields(fields, 'missing')).toEqual([])
})

test('removes all fields of a name', () => {
  expect(text(removeFields(fields, 'A'))).toBe('B: 2\r\nC: 4\r\n')
})

test('prepends in the given order', () => {
  expect(text(prependFields(fields, added))).toBe(
    'B: 8\r\nB: 9\r\nA: 1\r\nB: 2\r\na: 3\r\nC: 4\r\n',
  )
})

test('appends in the given order', () => {
  expect(text(appendFields(fields, added))).toBe('A: 1\r\nB: 2\r\na: 3\r\nC: 4\r\nB: 8\r\nB: 9\r\n')
})

test('replaces at the end of the header', () => {
  expect(text(replaceFields(fields, 'b', added))).toBe('A: 1\r\na: 3\r\nC: 4\r\nB: 8\r\nB: 9\r\n')
})

test('ends a last line that has no line end before it appends', () => {
  const cut = splitHeader(Buffer.from('A: 1\r\nB: 2')).fields
  expect(text(appendFields(cut, added))).toBe('A: 1\r\nB: 2\r\nB: 8\r\nB: 9\r\n')
  expect(text(appendFields(cut, []))).toBe('A: 1\r\nB: 2')
})

test('leaves the list that it was given as it is', () => {
  prependFields(fields, added)
  replaceFields(fields, 'A', added)
  expect(text(fields)).toBe('A: 1\r\nB: 2\r\na: 3\r\nC: 4\r\n')
})
