// What one more recipient costs: a template filled, against the whole body located and laid out again.
// 20 KB of HTML with 20 links, 1,000 recipients, rendering included; then what opening a token costs. Run:
//   npm run bench -- transform
import { messageData, openRenderer, type Piece, pushPiece } from '../../src/mail/rendition.ts'
import { type Field, splitHeader } from '../../src/mime/field.ts'
import { encodeQuotedPrintable } from '../../src/mime/quotedprintable.ts'
import { openKeyring } from '../../src/tracking/keyring.ts'
import type { TrackingSettings } from '../../src/tracking/options.ts'
import { parsePath } from '../../src/tracking/path.ts'
import { openSealer, openToken, type Sealer } from '../../src/tracking/token.ts'
import { openTransform, type Transform } from '../../src/tracking/transform.ts'
import { note } from './result.ts'

const KEYRING = openKeyring([{ secret: Buffer.alloc(32, 1) }])
const RECIPIENTS = 1000
const ROUNDS = 9
const SETTINGS: TrackingSettings = {
  opens: true,
  clicks: true,
  openScheme: 'https',
  clickScheme: 'https',
  domain: 'track.example',
  expirySeconds: 31_536_000,
  initialOpens: false,
  foreignOptOuts: false,
  campaignId: 'spring',
}

const text = ((): Buffer => {
  const filler =
    `<p style="color:#333">Lorem ipsum dolor sit amet, é consectetur = elit.</p>\r\n`.repeat(12)
  const links = [...Array(20).keys()].map(
    (i) =>
      `${filler}<a class="l" href="https://shop.example/item/${i}?utm=mail&amp;n=${i}">item ${i}</a>\r\n`,
  )
  return Buffer.from(`<html><body>\r\n${links.join('')}</body></html>\r\n`)
})()

const bodies = {
  '8bit': text,
  'quoted-printable': encodeQuotedPrintable(text),
  base64: Buffer.from(text.toString('base64').replace(/.{76}/g, '$&\r\n')),
}

for (const [encoding, body] of Object.entries(bodies)) {
  const head = `Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`
  const original = Buffer.concat([Buffer.from(head), body])
  const template = best(() => run(original, keptTransform))
  const again = best(() => run(original, (open) => open))
  const alone = best(() => run(original, (open) => () => open(newSealer())))
  note(
    `personalised copy, ${encoding}: of a message of its own`,
    alone / template,
    'x',
    'at least',
    20,
  )
  note(`personalised copies, ${encoding}, one core`, 1e6 / template, 'a second', 'at least', 10_000)
  console.log(
    `${encoding}, ${original.length} octets: ${template.toFixed(1)} us a recipient; ` +
      `located again ${again.toFixed(1)} us (1/${(again / template).toFixed(1)}); ` +
      `as a message of its own ${alone.toFixed(1)} us (1/${(alone / template).toFixed(1)}); ` +
      `${Math.round(1e6 / template)} copies a second`,
  )
}
const token = best(openTokens)
note('a token opened', token, 'us', 'at most', 20)
console.log(`a token opened in ${token.toFixed(1)} us`)

function keptTransform(open: (sealer?: Sealer) => Transform): () => Transform {
  const transform = open()
  return () => transform
}

function best(measure: () => number): number {
  return Math.min(...Array.from({ length: ROUNDS }, measure))
}

/** Microseconds for each recipient, rendering included. */
function run(
  original: Buffer,
  choose: (open: (sealer?: Sealer) => Transform) => () => Transform,
): number {
  const shared = newSealer()
  const copy = splitHeader(original)
  const data = messageData(original)
  const transform = choose((sealer = shared) => openOn(data, sealer))
  // As the server does: copies with the same pieces of body share the whole list.
  const layouts = new Map<readonly Piece[], Piece[]>()
  let octets = 0
  let renderOne = openRenderer(data.bytes())
  const start = process.hrtime.bigint()
  for (let i = 0; i < RECIPIENTS; i++) {
    const rcptTo = `recipient${i}@example.com`
    const tracked = transform().apply(copy, SETTINGS, {
      messageId: '0000632c8b54d53f0a00',
      rcptTo,
      rawRcptTo: rcptTo,
      transmissionId: '12345678901234567',
      sentSeconds: 1_700_000_000,
    })
    // The spool writes the data once, when all copies are sealed, and the relay reads it once.
    if (i === 0) renderOne = openRenderer(data.bytes())
    const pieces = layouts.get(tracked.pieces) ?? withFields(tracked.fields, tracked.pieces, data)
    layouts.set(tracked.pieces, pieces)
    octets += renderOne({ pieces, holes: tracked.holes }).bytes.length
  }
  if (octets < RECIPIENTS * original.length) throw new Error('nothing was tracked')
  return Number(process.hrtime.bigint() - start) / 1000 / RECIPIENTS
}

/** Microseconds for each click on a link with all facts. */
function openTokens(): number {
  const sealer = newSealer()
  const linkPart = sealer.link('https://shop.example/item/1?utm=mail', 'banner', 'click', '')
  const paths = Array.from({ length: RECIPIENTS }, (_, i) => {
    const { full } = sealer.recipient({
      messageId: '0000632c8b54d53f0a00',
      rcptTo: `recipient${i}@example.com`,
      rawRcptTo: `recipient${i}@example.com`,
      campaignId: 'spring',
      tags: ['a', 'b'],
      metadata: { account: `${i}`, segment: 'gold', language: 'de' },
      expirySeconds: 1_800_000_000,
    })
    return `/f/a/${linkPart}/${full}`
  })
  const start = process.hrtime.bigint()
  for (const path of paths) {
    const parsed = parsePath(path)
    if (!parsed || openToken(KEYRING, parsed).kind !== 'opened') throw new Error('does not open')
  }
  return Number(process.hrtime.bigint() - start) / 1000 / RECIPIENTS
}

function newSealer(): Sealer {
  return openSealer(KEYRING, Buffer.alloc(16, 2))
}

function openOn(data: ReturnType<typeof messageData>, sealer: Sealer): Transform {
  return openTransform({
    data,
    sealer,
    growthLimit: 40_960,
    includeMetadata: true,
    maxMetadataLength: 1000,
  })
}

function withFields(
  fields: readonly Field[],
  pieces: readonly Piece[],
  data: ReturnType<typeof messageData>,
): Piece[] {
  const all: Piece[] = []
  for (const field of fields) pushPiece(all, data.range(field.bytes))
  for (const piece of pieces) pushPiece(all, piece)
  return all
}
