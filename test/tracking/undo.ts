// Whether a tracked message differs from what was received only where it may: tracked URLs, pixels,
// controls that are gone, X-MSYS-API, and the fields that say how a changed part is encoded.
import { expect } from 'vitest'
import { decodeBase64 } from '../../src/mime/base64.ts'
import { splitHeader } from '../../src/mime/field.ts'
import { type Part, parseParts } from '../../src/mime/part.ts'
import { decodeQuotedPrintable } from '../../src/mime/quotedprintable.ts'
import type { Explain } from '../../src/tracking/explain.ts'
import { TRACKED_URL } from './track.ts'

export function expectOnlyTracked(
  original: Buffer,
  { message, explain }: { readonly message: string; readonly explain: Explain },
): void {
  const before = read(original)
  const after = read(Buffer.from(message, 'latin1'))
  expect(after.leaves.map(({ type }) => type)).toEqual(before.leaves.map(({ type }) => type))
  expect(after.skeleton).toBe(before.skeleton)
  before.leaves.forEach((leaf, i) => {
    const sent = after.leaves[i]
    if (!sent || sent.raw === leaf.raw) return
    expect(leaf.type).toMatch(/^text\/(?:plain|html)$/)
    const links = explain.links.filter(
      ({ part, outcome }) => part === leaf.type && outcome === 'tracked',
    )
    expect(withoutTracking(sent.decoded)).toBe(withMarks(leaf.decoded, links))
    if (sent.encoding !== leaf.encoding) expect(sent.encoding).toBe('quoted-printable')
    else if (leaf.encoding !== 'base64') expectFewLinesChanged(leaf, sent, links)
    if (sent.encoding === 'base64')
      expect(sent.raw).toMatch(/^[\w+/=]{0,76}(?:\r\n[\w+/=]{0,76})*$/)
  })
}

type Links = readonly { readonly start: number; readonly end: number }[]

interface Leaf {
  readonly type: string
  readonly encoding: string
  readonly raw: string
  readonly decoded: string
}

const MARK = '{link}'
const PIXEL =
  /<img border="0" width="1" height="1" alt=""(?: style="display:block")? src="\{link\}">/g
const CONTROLS =
  /\s+data-msys-[a-z]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+))?|\[\[data-msys-[^\]]*\]\]/gi

function withoutTracking(decoded: string): string {
  return decoded.replace(TRACKED_URL, MARK).replace(PIXEL, '').replace(CONTROLS, '')
}

function withMarks(decoded: string, links: Links): string {
  let marked = decoded
  for (const { start, end } of links.toReversed()) {
    marked = marked.slice(0, start) + MARK + marked.slice(end)
  }
  return marked.replace(CONTROLS, '')
}

/** A line is gone only if an edit, with what moved to the next line, may have had a part in it. */
function expectFewLinesChanged(leaf: Leaf, sent: Leaf, links: Links): void {
  const left = new Map<string, number>()
  for (const line of sent.raw.split('\r\n')) left.set(line, (left.get(line) ?? 0) + 1)
  const gone = leaf.raw.split('\r\n').filter((line) => {
    const count = left.get(line) ?? 0
    left.set(line, count - 1)
    return count <= 0
  })
  const pixels = 2
  const controls = leaf.decoded.match(CONTROLS)?.length ?? 0
  const allowed = links.reduce((sum, { start, end }) => sum + 2 + Math.ceil((end - start) / 24), 0)
  expect(gone.length).toBeLessThanOrEqual(allowed + 2 * (pixels + controls))
}

/** Leaf parts, and everything around them without the fields that tracking may change. */
function read(bytes: Buffer): { readonly leaves: readonly Leaf[]; readonly skeleton: string } {
  const { fields, separator, body } = splitHeader(bytes)
  const leaves: Leaf[] = []
  let skeleton = Buffer.concat([...fields.map((field) => field.bytes), separator]).toString(
    'latin1',
  )
  let at = 0
  const visit = (part: Part): void => {
    if (part.children.length) return part.children.forEach(visit)
    const raw = body.subarray(part.start, part.end)
    skeleton += body.toString('latin1', at, part.start)
    at = part.end
    const { encoding } = part
    leaves.push({
      type: part.type.type,
      encoding,
      raw: raw.toString('latin1'),
      decoded: decode(raw, encoding).toString('latin1'),
    })
  }
  visit(parseParts(fields, body))
  skeleton += body.toString('latin1', at)
  return { leaves, skeleton: skeleton.replace(CHANGING, '') }
}

const CHANGING =
  /^(?:X-MSYS-API|Content-Transfer-Encoding|Content-MD5|Content-Length)[ \t]*:.*\r\n(?:[ \t].*\r\n)*/gim

function decode(raw: Buffer, encoding: string): Buffer {
  if (encoding === 'base64') return decodeBase64(raw)
  return encoding === 'quoted-printable' ? decodeQuotedPrintable(raw) : raw
}
