// How much memory a message of 10 MB takes while its links are put in and one copy is rendered, beyond the
// message itself, as multiples of its size. Linux only. Run:
//   npm run bench -- memory
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { messageData, type Piece, pushPiece, render } from '../../src/mail/rendition.ts'
import { encodeBase64 } from '../../src/mime/base64.ts'
import { splitHeader } from '../../src/mime/field.ts'
import { encodeQuotedPrintable } from '../../src/mime/quotedprintable.ts'
import { openKeyring } from '../../src/tracking/keyring.ts'
import { openSealer } from '../../src/tracking/token.ts'
import { openTransform } from '../../src/tracking/transform.ts'

const SIZE = 10 * 1024 * 1024
const KEYRING = openKeyring([{ secret: Buffer.alloc(32, 1) }])
const FILLER = '<p>Lorem ipsum dolor sit amet, consectetur</p>\r\n'.repeat(1000)
const PARAGRAPH = `${FILLER}<a href="https://e.com/x">y</a>\r\n`

const encoders: Readonly<Record<string, (size: number) => Buffer>> = {
  '8bit': (size) => Buffer.alloc(size, PARAGRAPH),
  base64: (size) => encodeBase64(Buffer.alloc(Math.floor((size * 3 * 76) / (4 * 78)), PARAGRAPH)),
  'quoted-printable': (size) => encodeQuotedPrintable(Buffer.alloc(size, PARAGRAPH)),
}

const [, script = '', file] = process.argv
if (file === undefined) measureAll()
else measure(file)

/** Each in a process of its own, which has never held anything as large. */
function measureAll(): void {
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-memory-'))
  for (const [encoding, encode] of Object.entries(encoders)) {
    const path = join(folder, encoding)
    const head = `Content-Type: text/html\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`
    for (const [name, size] of [
      [path, SIZE],
      [`${path}.small`, 100_000],
    ] as const) {
      writeFileSync(name, Buffer.concat([Buffer.from(head), encode(size)]))
    }
    execFileSync(process.execPath, ['--expose-gc', script, path], { stdio: 'inherit' })
  }
  rmSync(folder, { recursive: true })
}

function measure(path: string): void {
  sendOne(readFileSync(`${path}.small`))
  const message = readFileSync(path)
  globalThis.gc?.()
  writeFileSync('/proc/self/clear_refs', '5')
  const before = statusOf('VmRSS')
  const start = process.hrtime.bigint()
  sendOne(message)
  const ms = Number(process.hrtime.bigint() - start) / 1e6
  const times = (statusOf('VmHWM') - before) / message.length
  console.log(
    `${basename(path)}, ${message.length} octets: ${times.toFixed(1)}x in ${ms.toFixed(0)} ms`,
  )
}

function sendOne(original: Buffer): void {
  const copy = splitHeader(original)
  const data = messageData(original)
  const transform = openTransform({
    data,
    sealer: openSealer(KEYRING, Buffer.alloc(16, 2)),
    growthLimit: 40_960,
    includeMetadata: true,
    maxMetadataLength: 1000,
  })
  const tracked = transform.apply(
    copy,
    {
      opens: true,
      clicks: true,
      openScheme: 'https',
      clickScheme: 'https',
      domain: 'track.example',
      expirySeconds: 31_536_000,
      initialOpens: false,
      foreignOptOuts: false,
    },
    { messageId: '0', rcptTo: 'a@b.example', rawRcptTo: 'a@b.example', sentSeconds: 1 },
  )
  const pieces: Piece[] = []
  for (const { bytes } of tracked.fields) pushPiece(pieces, data.range(bytes))
  for (const piece of tracked.pieces) pushPiece(pieces, piece)
  const { length } = render(data.bytes(), { pieces, holes: tracked.holes })
  if (tracked.failures.length > 0 || length <= original.length) throw new Error('not tracked')
}

/** Octets. */
function statusOf(name: string): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024
}
