import * as fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import { decodeBase64, encodeBase64 } from '../../src/mime/base64.ts'
import { splitHeader } from '../../src/mime/field.ts'
import { type Part, type PartLimits, parseParts } from '../../src/mime/part.ts'
import { decodeQuotedPrintable, encodeQuotedPrintable } from '../../src/mime/quotedprintable.ts'

interface Outline {
  type: string
  content?: string
  parts?: Outline[]
}

const parse = (message: string, limits?: PartLimits): { root: Part; body: Buffer } => {
  const { fields, body } = splitHeader(Buffer.from(message, 'latin1'))
  return { root: parseParts(fields, body, limits), body }
}

const outline = (message: string, limits?: PartLimits): Outline => {
  const { root, body } = parse(message, limits)
  const describePart = (part: Part): Outline => ({
    type: part.type.type,
    ...(part.children.length
      ? { parts: part.children.map(describePart) }
      : { content: body.toString('latin1', part.start, part.end) }),
  })
  return describePart(root)
}

const mixed = (boundary: string, body: string): string =>
  `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n${body}`

/** Contents of the parts of a flat multipart; undefined when it has none. */
const contents = (boundary: string, body: string): (string | undefined)[] | undefined =>
  outline(mixed(boundary, body)).parts?.map((part) => part.content)

const nested = (depth: number): string => {
  let body = ''
  for (let i = 0; i < depth; i++) {
    body += `--b${i}\r\nContent-Type: multipart/mixed; boundary=b${i + 1}\r\n\r\n`
  }
  return mixed('b0', body)
}

describe('a single part', () => {
  test('is the root, with the whole body', () => {
    expect(outline('Subject: x\r\n\r\nhello\r\n')).toEqual({
      type: 'text/plain',
      content: 'hello\r\n',
    })
  })

  test('has type, encoding, disposition and fields of its header', () => {
    const { root } = parse(
      'content-type: TEXT/HTML; Charset="UTF-8"\r\nContent-Transfer-Encoding: Quoted-Printable (x)\r\n' +
        'Content-Disposition: Attachment; filename=a.html\r\n\r\nhello',
    )
    expect(root).toMatchObject({
      type: { type: 'text/html', parameters: new Map([['charset', 'UTF-8']]) },
      encoding: 'quoted-printable',
      disposition: { kind: 'attachment', parameters: new Map([['filename', 'a.html']]) },
      headerStart: 0,
      start: 0,
      end: 5,
    })
    expect(root.fields.map(({ key }) => key)).toEqual([
      'content-type',
      'content-transfer-encoding',
      'content-disposition',
    ])
  })

  test.each([
    ['', '7bit'],
    ['Content-Transfer-Encoding:\r\n', '7bit'],
    ['Content-Transfer-Encoding: BASE64\r\n', 'base64'],
    ['Content-Transfer-Encoding: 8bit;\r\n', '8bit'],
    ['Content-Transfer-Encoding: x-other\r\n', 'x-other'],
    ['Content-Transfer-Encoding: (as usual) (here) base64 (so)\r\n', 'base64'],
    ['Content-Transfer-Encoding: (open base64\r\n', 'unreadable'],
  ])('with %j is encoded as %s', (header, encoding) => {
    expect(parse(`${header}\r\nbody`).root.encoding).toBe(encoding)
  })

  test.each([
    'Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\na\r\n--b--\r\n',
    'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\na\r\n----\r\n',
    'Content-Type: text/plain; boundary=b\r\n\r\n--b\r\n\r\na\r\n--b--\r\n',
    'Content-Type: multipart/mixed; boundary=b\r\n\r\nno delimiter\r\n',
    'Content-Type: message/rfc822; boundary=b\r\n\r\n--b\r\n\r\na\r\n--b--\r\n',
  ])('is all there is in %j', (message) => {
    expect(parse(message).root.children).toEqual([])
  })
})

describe('the children of a multipart', () => {
  test('lie between the delimiters, without the line end before them', () => {
    expect(
      outline(
        mixed(
          'b',
          'preamble\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n\r\n--b\r\n\r\nplain\r\n--b--\r\nepilogue',
        ),
      ),
    ).toEqual({
      type: 'multipart/mixed',
      parts: [
        { type: 'text/html', content: '<p>\r\n' },
        { type: 'text/plain', content: 'plain' },
      ],
    })
  })

  test('say where header and content are, and have views of the body as fields', () => {
    const { root, body } = parse(mixed('b', '--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--'))
    const [child] = root.children
    expect(child).toMatchObject({ headerStart: 5, start: 32, end: 35 })
    expect(child?.fields[0]?.bytes.byteOffset).toBe(body.byteOffset + 5)
  })

  test.each([
    [
      '===============123==',
      '--===============123==\r\n\r\na\r\n--===============123==--\r\n',
      ['a'],
    ],
    ['b', '--b  \t\r\n\r\na\r\n--b-- \r\n', ['a']],
    ['b', '--b\r\n\r\na\r\n--b', ['a', '']],
    ['b', '--b\r\n\r\na\r\n', ['a\r\n']],
    ['b', '--b\r\n\r\na', ['a']],
    ['b', '--b\r\n\r\n\r\n--b--', ['']],
    ['b', '--b\r\n\r\n--b--', ['']],
    ['b', '--b\r\n--b\r\n--b--', ['', '']],
    ['b', '--b\r\nA: c\r\n--b--', ['']],
    ['b', '--b\r\n\r\na\r\n--b--\r\n--b\r\n\r\nepilogue\r\n--b--', ['a']],
    ['b', '--b--\r\n--b\r\n\r\nepilogue', undefined],
    [
      'b',
      '--b\r\n\r\n--bb\r\n--b \r\n\r\n --b\r\nx--b\r\n--b-\r\n--b--',
      ['--bb', ' --b\r\nx--b\r\n--b-'],
    ],
    ['b', '--b\r\n\r\n--b--x\r\n--b---\r\n--b--', ['--b--x\r\n--b---']],
    ['b', '--B\r\n\r\na\r\n--B--', undefined],
    ['b', '--b\n\na\n--b\n\nc\n--b--\n', ['a', 'c']],
    ['b', '--b', ['']],
    ['b', '--', undefined],
    ['a b', '--a b\r\n\r\na\r\n--a b--', ['a']],
    ['b ', '--b\r\n\r\na\r\n--b--', ['a']],
    ['\xfc', '--\xfc\r\n\r\na\r\n--\xfc--', ['a']],
    ['--', '----\r\n\r\na\r\n------', ['a']],
  ])('of boundary %j in %j are %j', (boundary, body, expected) => {
    expect(contents(boundary, body)).toEqual(expected)
  })

  test.each(['bound', 'BOUNDARY'])('are found by the parameter whatever its case: %s', (name) => {
    const message = `Content-Type: MULTIPART/Mixed; ${name.padEnd(8, 'ary')}="x;y=\\"z"\r\n\r\n--x;y="z\r\n\r\na\r\n--x;y="z--`
    expect(outline(message).parts).toEqual([{ type: 'text/plain', content: 'a' }])
  })

  test('are told apart when one boundary is the prefix of another', () => {
    const inner = '--bb\r\n\r\none\r\n--bb\r\n\r\ntwo\r\n--bb--'
    const body = `--b\r\nContent-Type: multipart/x; boundary=bb\r\n\r\n${inner}\r\n--b\r\n\r\nthree\r\n--b--`
    expect(outline(mixed('b', body)).parts).toEqual([
      {
        type: 'multipart/x',
        parts: [
          { type: 'text/plain', content: 'one' },
          { type: 'text/plain', content: 'two' },
        ],
      },
      { type: 'text/plain', content: 'three' },
    ])
  })

  test('end with their parent when their own closing delimiter is missing', () => {
    const body =
      '--a\r\nContent-Type: multipart/x; boundary=b\r\n\r\n--b\r\n\r\none\r\n--a\r\n\r\ntwo\r\n--b\r\n--a--'
    expect(outline(mixed('a', body)).parts).toEqual([
      { type: 'multipart/x', parts: [{ type: 'text/plain', content: 'one' }] },
      { type: 'text/plain', content: 'two\r\n--b' },
    ])
  })

  test('belong to the outer one of two containers with the same boundary', () => {
    const body =
      '--b\r\nContent-Type: multipart/x; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n--b--'
    expect(outline(mixed('b', body)).parts).toEqual([
      { type: 'multipart/x', content: '' },
      { type: 'text/plain', content: 'one' },
    ])
  })

  test('of a digest are messages by default', () => {
    const message =
      'Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nA: b\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--'
    expect(outline(message).parts).toEqual([
      { type: 'message/rfc822', content: 'A: b' },
      { type: 'text/plain', content: 'x' },
    ])
  })
})

describe('beyond a limit', () => {
  const depthOf = (part: Part): number => 1 + Math.max(-1, ...part.children.map(depthOf))

  test('of depth the last container is a leaf', () => {
    const { root } = parse(nested(10_000))
    expect(depthOf(root)).toBe(32)
    let part = root
    while (part.children[0]) part = part.children[0]
    expect([part.type.type, part.isTruncated]).toEqual(['multipart/mixed', true])
    expect(root.isTruncated).toBeUndefined()
  })

  test('of parts the container is a leaf', () => {
    const siblings = mixed('b', '--b\r\n\r\n'.repeat(1_400_000))
    expect(parse(siblings).root).toMatchObject({ children: [], isTruncated: true })
    expect(parse(mixed('b', '--b\r\n\r\n'.repeat(999))).root.children).toHaveLength(999)
    expect(parse(mixed('b', '--b\r\n\r\n'.repeat(1000))).root.children).toEqual([])
  })

  test('an inner container does not count against what stands beside it', () => {
    const body =
      `--a\r\n\r\none\r\n--a\r\nContent-Type: multipart/x; boundary=b\r\n\r\n${'--b\r\n\r\n'.repeat(8)}` +
      '\r\n--a\r\n\r\ntwo\r\n--a--'
    const { root } = parse(mixed('a', body), { depth: 2, parts: 6 })
    expect(root.children.map((part) => [part.isTruncated, part.children.length])).toEqual([
      [undefined, 0],
      [true, 0],
      [undefined, 0],
    ])
  })

  test('of lines that only look like a delimiter the container is a leaf', () => {
    const start = '--b\r\n\r\n'
    expect(parse(mixed('b', start + '--bx\r\n'.repeat(100_000))).root.children).toHaveLength(1)
    expect(parse(mixed('b', start + '--bx\r\n'.repeat(100_001))).root).toMatchObject({
      children: [],
      isTruncated: true,
    })
  })

  test('one long line of what may be a boundary is content', () => {
    expect(contents('-', `---\r\n\r\n${'-'.repeat(1_000_000)}\r\n-----`)).toEqual([
      '-'.repeat(1_000_000),
    ])
  })
})

describe('any bytes', () => {
  const pieces = `--a --b --ab -- \r\n \r\n\r\n \n \r : x \0 \xff`
    .split(' ')
    .concat(' ', 'Content-Type: multipart/mixed; boundary=a\r\n')
    .concat('Content-Type: multipart/x; boundary=b\r\n')
    .concat('Content-Type: multipart/digest; boundary="ab"\r\n')
    .concat('Content-Transfer-Encoding: base64\r\n')
  const message = fc.oneof(
    fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((all) => all.join('')),
    fc
      .array(fc.constantFrom(...pieces), { maxLength: 60 })
      .map((all) => mixed('a', `--a\r\n${all.join('')}`)),
    fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets).toString('latin1')),
  )

  test('give ranges within the body, nested, in order and disjoint', () => {
    fc.assert(
      fc.property(message, (message) => {
        const { root, body } = parse(message)
        expect([root.start, root.end]).toEqual([0, body.length])
        const check = (part: Part): void => {
          expect(part.headerStart).toBeLessThanOrEqual(part.start)
          expect(part.start).toBeLessThanOrEqual(part.end)
          let at = part.start
          for (const child of part.children) {
            expect(child.headerStart).toBeGreaterThanOrEqual(at)
            expect(child.end).toBeLessThanOrEqual(part.end)
            const header = Buffer.concat(child.fields.map(({ bytes }) => bytes))
            const from = child.headerStart
            expect(body.subarray(from, from + header.length).equals(header)).toBe(true)
            check(child)
            at = child.end
          }
        }
        check(root)
      }),
      { seed: 1, numRuns: 3000 },
    )
  })
})

describe('mailparser', () => {
  interface Leaf {
    readonly content: string
    readonly encoding: string
  }
  type Tree = Leaf | readonly Tree[]

  const leaf = fc.record({
    content: fc.string({
      unit: fc.constantFrom('a', 'b ', '\r\n', '-', '--', '\xfc', '='),
      maxLength: 60,
    }),
    encoding: fc.constantFrom('base64', 'binary', 'quoted-printable'),
  })
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
    ),
  }))
  const coders: Record<string, readonly [(bytes: Buffer) => Buffer, (bytes: Buffer) => Buffer]> = {
    base64: [encodeBase64, decodeBase64],
    'quoted-printable': [(bytes) => encodeQuotedPrintable(bytes), decodeQuotedPrintable],
  }

  /** Boundaries are prefixes of those inside. */
  const write = (tree: Tree, boundary: string): string => {
    if ('content' in tree) {
      // Never empty: of an empty quoted-printable part mailparser makes a line end.
      const content = Buffer.from(`${tree.content}.`, 'latin1')
      const encoded = coders[tree.encoding]?.[0](content) ?? content
      return `Content-Type: application/x\r\nContent-Transfer-Encoding: ${tree.encoding}\r\nContent-Disposition: attachment\r\n\r\n${encoded.toString('latin1')}`
    }
    const children = tree.map((child, index) => write(child, boundary + index))
    const parts = children.map((child) => `--${boundary}\r\n${child}\r\n`).join('')
    return `Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\nbefore\r\n${parts}--${boundary}--\r\nafter\r\n`
  }

  const leavesOf = (part: Part): readonly Part[] =>
    part.children.length ? part.children.flatMap(leavesOf) : [part]

  test('finds the same attachments with the same octets', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tree, { minLength: 1, maxLength: 3 }), async (children) => {
        const message = write(children, 'x=')
        const { root, body } = parse(message)
        const own = leavesOf(root).map(({ start, end, encoding }) => {
          const raw = body.subarray(start, end)
          return (coders[encoding]?.[1](raw) ?? raw).toString('latin1')
        })
        const parsed = await simpleParser(Buffer.from(message, 'latin1'))
        expect(own).toEqual(parsed.attachments.map(({ content }) => content.toString('latin1')))
      }),
      { seed: 1, numRuns: 200 },
    )
  })
})
