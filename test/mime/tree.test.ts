import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeField, splitHeader } from '../../src/mime/field.ts'
import { parseParts } from '../../src/mime/part.ts'
import {
  describeNode,
  makeNode,
  nextInThread,
  type PartNode,
  plantTree,
  renderTree,
} from '../../src/mime/tree.ts'
import {
  insertChild,
  isWithin,
  makeContainer,
  setContent,
  setFields,
  setPart,
  unlinkNode,
} from '../../src/mime/treeedit.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const fresh = (): string => 'fresh'

function plant(message: string | Buffer): PartNode {
  return plantTree(splitHeader(Buffer.isBuffer(message) ? message : bytes(message)))
}

function textOf(root: PartNode): string {
  const { fields, separator, body } = renderTree(root)
  return Buffer.concat([...fields.map((field) => field.bytes), separator, body]).toString('latin1')
}

/** Types and contents, indented by depth. */
function outline(message: string): string[] {
  const { fields, body } = splitHeader(bytes(message))
  const lines: string[] = []
  const walk = (part: ReturnType<typeof parseParts>, depth: number): void => {
    const content = part.children.length ? '' : body.toString('latin1', part.start, part.end)
    lines.push(`${' '.repeat(depth)}${part.type.type} ${JSON.stringify(content)}`)
    part.children.forEach((child) => walk(child, depth + 1))
  }
  walk(parseParts(fields, body), 0)
  return lines
}

const TWO =
  'Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n' +
  '--b  \r\nContent-Type: text/plain\r\n\r\none\r\n' +
  '--b\r\n\r\ntwo\r\n' +
  '--b--  \r\nepilogue\r\n'
const NESTED = 'Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nin\r\n--c--'
const child = (root: PartNode, index: number): PartNode => root.container!.children[index]!
const leaf = (content: string, type = 'text/html'): PartNode =>
  makeNode([makeField('Content-Type', type)], bytes(content))

/** Octets that make delimiters, empty parts and missing line ends likely. */
const wire = fc
  .array(
    fc.constantFrom(
      '--b',
      '--b--',
      '--c',
      '\r\n',
      '\n',
      '\r\n\r\n',
      'Content-Type: multipart/mixed; boundary=c\r\n\r\n',
      'Content-Type: multipart/alternative; boundary="b"\r\n',
      'text',
      ' ',
      'A: b\r\n',
      '\r',
    ),
    { maxLength: 30 },
  )
  .map((pieces) => `Content-Type: multipart/mixed; boundary=b\r\n\r\n${pieces.join('')}`)

describe('a tree', () => {
  test('renders the very octets it was planted from', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          wire.map(bytes),
          fc.uint8Array({ maxLength: 100 }).map((octets) => Buffer.from(octets)),
        ),
        (message) => {
          expect(textOf(plant(message))).toBe(message.toString('latin1'))
        },
      ),
      { numRuns: 500 },
    )
  })

  test('is walked children first', () => {
    const root = plant(TWO)
    const types: string[] = []
    for (let at: PartNode | undefined = root; at; at = nextInThread(at)) {
      types.push(describeNode(at).type.type)
    }
    expect(types).toEqual(['multipart/mixed', 'text/plain', 'text/plain'])
  })

  test('takes the parts of a digest for messages', () => {
    const root = plant(
      'Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n',
    )
    expect(describeNode(child(root, 0)).type.type).toBe('message/rfc822')
  })
})

describe('an edit', () => {
  test('of a leaf leaves everything else alone', () => {
    const root = plant(TWO)
    setContent(child(root, 0), bytes('1'), fresh)
    expect(textOf(root)).toBe(TWO.replace('one', '1'))
  })

  test('of a header leaves everything else alone', () => {
    const root = plant(TWO)
    const first = child(root, 0)
    setFields(first, [...first.fields, makeField('X-A', 'b')], fresh)
    expect(textOf(root)).toBe(TWO.replace('plain\r\n', 'plain\r\nX-A: b\r\n'))
  })

  test.each([
    [
      'at the beginning',
      0,
      TWO.replace('--b  \r\n', '--b  \r\nContent-Type: text/html\r\n\r\nnew\r\n--b\r\n'),
    ],
    [
      'in between',
      1,
      TWO.replace('--b\r\n\r\ntwo', '--b\r\nContent-Type: text/html\r\n\r\nnew\r\n--b\r\n\r\ntwo'),
    ],
    ['at the end', 2, TWO.replace('--b--', '--b\r\nContent-Type: text/html\r\n\r\nnew\r\n--b--')],
  ])('puts a part %s', (_, index, expected) => {
    const root = plant(TWO)
    expect(insertChild(root, index, leaf('new'), fresh)).toBe(true)
    expect(textOf(root)).toBe(expected)
  })

  test.each([
    [
      0,
      'Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b  \r\n\r\ntwo\r\n--b--  \r\nepilogue\r\n',
    ],
    [1, TWO.replace('--b\r\n\r\ntwo\r\n', '')],
  ])('takes part %i away', (index, expected) => {
    const root = plant(TWO)
    unlinkNode(child(root, index))
    expect(textOf(root)).toBe(expected)
  })

  test('takes the only part away', () => {
    const root = plant('Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n')
    unlinkNode(child(root, 0))
    expect(textOf(root)).toBe('Content-Type: multipart/mixed; boundary=b\r\n\r\n\r\n--b--\r\n')
    insertChild(root, 0, leaf('new'), fresh)
    expect(outline(textOf(root))).toEqual(['multipart/mixed ""', ' text/html "new"'])
  })

  test('does not put a part into a leaf', () => {
    const root = plant('\r\ntext\r\n')
    expect(insertChild(root, 0, leaf('new'), fresh)).toBe(false)
    expect(textOf(root)).toBe('\r\ntext\r\n')
  })

  test('closes a container that nothing closed when a part is put at its end', () => {
    const root = plant('Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n')
    insertChild(root, 1, leaf('new'), fresh)
    expect(textOf(root)).toContain('\r\n--b--\r\n')
    expect(outline(textOf(root))).toEqual([
      'multipart/mixed ""',
      ' text/plain "x\\r\\n"',
      ' text/html "new"',
    ])
  })

  test('gives a part that has only a header an empty line before its first content', () => {
    const root = plant(
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n--b--\r\n',
    )
    setContent(child(root, 0), bytes('new'), fresh)
    expect(textOf(root)).toBe(
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\nnew\r\n--b--\r\n',
    )
  })

  test('never lets content end its part', () => {
    const root = plant(TWO)
    insertChild(root, 2, leaf('x\r\n--b--\r\ny'), fresh)
    expect(outline(textOf(root))).toEqual([
      'multipart/mixed ""',
      ' text/plain "one"',
      ' text/plain "two"',
      ' text/html "x\\r\\n--b--\\r\\ny"',
    ])
    expect(textOf(root)).toContain('preamble\r\n--fresh  \r\n')
    expect(textOf(root)).toContain('--fresh--  \r\nepilogue\r\n')
  })

  test('never puts a container beside one whose boundary begins alike', () => {
    const root = plant(TWO.replaceAll('--b', '--bb').replace('=b', '=bb'))
    const inner = makeContainer('multipart/alternative', 'b')
    insertChild(root, 0, inner, fresh)
    expect(textOf(root)).toContain('boundary=fresh')
  })

  test.each([
    ['multipart/related; boundary=c', 'multipart/related; boundary=c', '--c'],
    ['multipart/related', 'multipart/related; boundary=b', '--b'],
  ])('of the type of a container to %s keeps its parts', (type, expected, delimiter) => {
    const root = plant(TWO)
    setFields(root, [makeField('Content-Type', type)], fresh)
    expect(textOf(root)).toContain(
      `Content-Type: ${expected}\r\n\r\npreamble\r\n${delimiter}  \r\n`,
    )
    expect(outline(textOf(root)).slice(1)).toEqual(outline(TWO).slice(1))
  })

  test('of the type of a container to text makes its parts its content', () => {
    const root = plant(TWO)
    const first = child(root, 0)
    setFields(root, [makeField('Content-Type', 'text/plain')], fresh)
    expect(root.container).toBeUndefined()
    expect(first.parent).toBeUndefined()
    expect(textOf(root)).toBe(TWO.replace('multipart/mixed; boundary=b', 'text/plain'))
  })

  test('of the whole part reads what it is now', () => {
    const root = plant(TWO)
    const first = child(root, 0)
    setPart(first, bytes(NESTED), fresh)
    expect(first.container?.children).toHaveLength(1)
    expect(isWithin(child(first, 0), root)).toBe(true)
    expect(outline(textOf(root))).toEqual([
      'multipart/mixed ""',
      ' multipart/mixed ""',
      '  text/plain "in"',
      ' text/plain "two"',
    ])
  })

  test('builds a new container', () => {
    const root = makeContainer('multipart/mixed; type="a b"', 'x')
    insertChild(root, 0, leaf('1'), fresh)
    insertChild(root, 1, leaf('2\r\n'), fresh)
    expect(textOf(root)).toBe(
      'Content-Type: multipart/mixed; type="a b"; boundary=x\r\n\r\n' +
        '--x\r\nContent-Type: text/html\r\n\r\n1\r\n' +
        '--x\r\nContent-Type: text/html\r\n\r\n2\r\n\r\n--x--\r\n',
    )
  })
})

describe('any edits', () => {
  const step = fc.record({
    what: fc.constantFrom('insert', 'unlink', 'content', 'header'),
    at: fc.nat(20),
    index: fc.nat(3),
    content: fc.constantFrom('', 'x', 'x\r\n', '--b\r\n', 'a\r\n--c--\r\n', '\r\n--fresh1'),
  })
  type Model = { type: string; content: string; children?: Model[] }

  const modelOf = (node: PartNode): Model => ({
    type: describeNode(node).type.type,
    content: node.container ? '' : node.content.toString('latin1'),
    ...(node.container?.children.length && { children: node.container.children.map(modelOf) }),
  })
  const parsedModel = (message: string): Model => {
    const { fields, body } = splitHeader(bytes(message))
    const model = (part: ReturnType<typeof parseParts>): Model => ({
      type: part.type.type,
      content: part.children.length ? '' : body.toString('latin1', part.start, part.end),
      ...(part.children.length && { children: part.children.map(model) }),
    })
    return model(parseParts(fields, body))
  }

  test('leave a message that parses to the tree they made', () => {
    fc.assert(
      fc.property(wire, fc.array(step, { maxLength: 8 }), (message, steps) => {
        const root = plant(message)
        let count = 0
        const boundary = (): string => `fresh${count++}`
        for (const { what, at, index, content } of steps) {
          const nodes: PartNode[] = []
          for (let node: PartNode | undefined = root; node; node = nextInThread(node))
            nodes.push(node)
          const node = nodes[at % nodes.length]!
          if (what === 'insert') {
            const places = node.container?.children.length ?? 0
            insertChild(node, Math.min(index, places), leaf(content), boundary)
          } else if (what === 'unlink') {
            // A container without parts is read as a leaf elsewhere.
            if ((node.parent?.container?.children.length ?? 0) > 1) unlinkNode(node)
          } else if (what === 'content') {
            if (!node.container) setContent(node, bytes(content), boundary)
          } else {
            setFields(node, [...node.fields, makeField('X-A', content)], boundary)
          }
        }
        const rendered = textOf(root)
        expect(parsedModel(rendered)).toEqual(modelOf(root))
      }),
      { numRuns: 400 },
    )
  })
})
