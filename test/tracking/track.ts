// Runs the transform on a message given as text and opens what it made of the links.
import { messageData, type Piece, pushPiece, render } from '../../src/mail/rendition.ts'
import { decodeBase64 } from '../../src/mime/base64.ts'
import { splitHeader } from '../../src/mime/field.ts'
import { type Part, parseParts } from '../../src/mime/part.ts'
import { decodeQuotedPrintable } from '../../src/mime/quotedprintable.ts'
import type { Explain } from '../../src/tracking/explain.ts'
import { openKeyring } from '../../src/tracking/keyring.ts'
import type { TrackingSettings } from '../../src/tracking/options.ts'
import { parsePath } from '../../src/tracking/path.ts'
import { openSealer, openToken, type Opened } from '../../src/tracking/token.ts'
import { openTransform, type TransformOptions } from '../../src/tracking/transform.ts'

export const KEYRING = openKeyring([{ secret: Buffer.alloc(32, 1) }])
export const DOMAIN = 'track.example:8080'

export const SETTINGS: TrackingSettings = {
  opens: true,
  clicks: true,
  openScheme: 'http',
  clickScheme: 'http',
  domain: DOMAIN,
  expirySeconds: 31_536_000,
  initialOpens: false,
  foreignOptOuts: false,
}

export interface TrackOptions {
  readonly settings?: Partial<TrackingSettings>
  readonly transform?: Partial<TransformOptions>
  readonly rcptTo?: string
}

export interface Result {
  /** The message as it would be sent. */
  readonly message: string
  /** Decoded leaf parts in order, as byte strings. */
  readonly parts: readonly { readonly type: string; readonly text: string; readonly raw: string }[]
  /** All tracked URLs, in order of appearance. */
  readonly tracked: readonly Extract<Opened, { kind: 'opened' }>[]
  /** Targets of the clicks among them. */
  readonly targets: readonly string[]
  /** `message` with decoded leaf parts' tracked URLs shown as `{target}` and the pixel as `[pixel]`. */
  readonly shown: readonly string[]
  readonly explain: Explain
  readonly failures: readonly string[]
}

/** Tracks one message for several recipients with one transform. */
export function trackAll(message: string | Buffer, all: readonly TrackOptions[]): Result[] {
  const original = typeof message === 'string' ? Buffer.from(message, 'latin1') : message
  const data = messageData(original)
  const transform = openTransform({
    data,
    sealer: openSealer(KEYRING, Buffer.alloc(16, 7)),
    growthLimit: 40_960,
    includeMetadata: true,
    maxMetadataLength: 1000,
    ...all[0]?.transform,
  })
  return all.map(({ settings, rcptTo = 'a@example.com' }) => {
    const tracked = transform.apply(
      splitHeader(original),
      { ...SETTINGS, ...settings },
      {
        messageId: '0000632c8b54d53f0a00',
        rcptTo: rcptTo.toLowerCase(),
        rawRcptTo: rcptTo,
        sentSeconds: 1_000,
      },
    )
    const pieces: Piece[] = []
    for (const field of tracked.fields) pushPiece(pieces, data.range(field.bytes))
    for (const piece of tracked.pieces) pushPiece(pieces, piece)
    const sent = render(data.bytes(), { pieces, holes: tracked.holes })
    return { ...readBack(sent), explain: tracked.explain(), failures: tracked.failures }
  })
}

export function track(message: string | Buffer, options: TrackOptions = {}): Result {
  const [result] = trackAll(message, [options])
  if (!result) throw new Error('no result')
  return result
}

/** A message of one part, in UTF-8. */
export function single(type: string, body: string, encoding = '8bit'): string {
  const head = `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`
  return head + Buffer.from(body, 'utf8').toString('latin1')
}

export function html(body: string, encoding?: string): string {
  return single('text/html; charset=utf-8', body, encoding)
}

export function plain(body: string, encoding?: string): string {
  return single('text/plain; charset=utf-8', body, encoding)
}

/** With the empty query that base64 parts pad it with. */
export const TRACKED_URL = /https?:\/\/track\.example:8080(\/[fq]\/[\w/-]+)\?{0,2}/g

export function openUrl(path: string): Opened | undefined {
  const parsed = parsePath(path)
  return parsed && openToken(KEYRING, parsed)
}

function readBack(sent: Buffer): Omit<Result, 'explain' | 'failures'> {
  const { fields, body } = splitHeader(sent)
  const parts = leaves(parseParts(fields, body), body)
  const tracked = parts.flatMap(({ text }) =>
    [...text.matchAll(TRACKED_URL)].map(([url, path = '']) => {
      const opened = openUrl(path)
      if (opened?.kind !== 'opened') throw new Error(`does not open: ${url}`)
      return opened
    }),
  )
  return {
    message: sent.toString('latin1'),
    parts,
    tracked,
    targets: tracked.filter(({ target }) => target).map(({ target }) => target),
    shown: parts.map(({ text }) => show(text)),
  }
}

const PIXEL = /<img border="0" width="1" height="1" alt="" src="\[pixel\]">/g

function show(text: string): string {
  return text
    .replace(TRACKED_URL, (url, path: string) => {
      const opened = openUrl(path)
      if (opened?.kind !== 'opened') return url
      return opened.action === 'open' ? '[pixel]' : `{${opened.target}}`
    })
    .replace(PIXEL, '[pixel]')
}

function leaves(part: Part, body: Buffer): { type: string; text: string; raw: string }[] {
  if (part.children.length) return part.children.flatMap((child) => leaves(child, body))
  const raw = body.subarray(part.start, part.end)
  const decoded =
    part.encoding === 'base64'
      ? decodeBase64(raw)
      : part.encoding === 'quoted-printable'
        ? decodeQuotedPrintable(raw)
        : raw
  return [{ type: part.type.type, text: decoded.toString('latin1'), raw: raw.toString('latin1') }]
}
