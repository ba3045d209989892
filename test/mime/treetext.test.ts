import { expect, test } from 'vitest'
import { splitHeader } from '../../src/mime/field.ts'
import { plantTree, renderTree } from '../../src/mime/tree.ts'
import { changeText, putText, textOf, textParts } from '../../src/mime/treetext.ts'

const MAIL =
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n' +
  '--b\r\nContent-Type: text/plain\r\n\r\none\r\n' +
  '--b\r\nContent-Type: image/png\r\n\r\nxx\r\n' +
  '--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment\r\n\r\ntwo\r\n--b--\r\n'
const plant = () => plantTree(splitHeader(Buffer.from(MAIL)))
const fresh = (): string => 'fresh'

test('text parts are those of any text type', () => {
  expect(textParts(plant()).map(textOf)).toEqual(['one', 'two'])
})

test('a change of one text leaves the other parts alone', () => {
  const root = plant()
  const [first] = textParts(root)
  changeText(first!, 'one', 'one\r\n--b--', fresh)
  expect(renderTree(root).body.toString()).toBe(
    MAIL.slice(MAIL.indexOf('--b')).replaceAll('--b', '--fresh').replace('one', 'one\r\n--b--'),
  )
  expect(textOf(first!)).toBe('one\r\n--b--')
})

test('a text in place of a container has no parts', () => {
  const root = plant()
  putText(root, 'all', {}, fresh)
  expect(textParts(root)).toEqual([root])
  expect(renderTree(root).body.toString()).toBe('all')
})
