import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Received } from '../../src/smtp/conversation.ts'
import { openScanner } from '../../src/smtp/scanner.ts'

const FIX = { maxMessageSize: 0, loneLineEnds: 'fix' } as const
const REFUSE = { maxMessageSize: 0, loneLineEnds: 'refuse' } as const
const EMPTY = Buffer.alloc(0)

interface Scan {
  received: Received | undefined
  rest: string
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function scan(chunks: readonly Buffer[], limits: Parameters<typeof openScanner>[0] = FIX): Scan {
  const scanner = openScanner(limits)
  for (const [index, chunk] of chunks.entries()) {
    const result = scanner.push(chunk)
    if (!result.done) continue
    const rest = Buffer.concat([result.rest, ...chunks.slice(index + 1)])
    return { received: result.received, rest: rest.toString('latin1') }
  }
  return { received: undefined, rest: '' }
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

function message(scanned: Scan): string | undefined {
  return scanned.received?.kind === 'message'
    ? scanned.received.bytes.toString('latin1')
    : undefined
}

/** As a conforming sender does it. */
function stuff(text: string): string {
  return `${text.replace(/(^|\r\n)\./g, '$1..')}.\r\n`
}

function cut(octets: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (octets.length + 1)), octets.length].sort(
    (a, b) => a - b,
  )
  return ends.map((end, i) => octets.subarray(ends[i - 1] ?? 0, end))
}

describe('the end of the data', () => {
  test.each([
    ['.\r\n', '', ''],
    ['a\r\n.\r\n', 'a\r\n', ''],
    ['a\r\n.\r\nQUIT\r\n', 'a\r\n', 'QUIT\r\n'],
    ['\r\n.\r\n', '\r\n', ''],
    ['.\r\n.\r\n', '', '.\r\n'],
    ['..\r\n.\r\n', '.\r\n', ''],
    ['.a\r\n.\r\n', 'a\r\n', ''],
    ['a\r\n...\r\n..b\r\n.\r\n', 'a\r\n..\r\n.b\r\n', ''],
    ['a.\r\n.\r\n', 'a.\r\n', ''],
    ['a\0\x80\xff\r\n.\r\n', 'a\0\x80\xff\r\n', ''],
  ])('of %j', (wire, text, rest) => {
    const scanned = scan([bytes(wire)])
    expect(message(scanned)).toBe(text)
    expect(scanned.rest).toBe(rest)
  })

  // Each is followed by a smuggled command, which must come out as text of the message.
  test.each([
    ['\n.\n', 'x\r\n.\r\nMAIL\r\n'],
    ['\n.\r\n', 'x\r\n.\r\nMAIL\r\n'],
    ['\r.\r', 'x\r\n.\r\nMAIL\r\n'],
    ['\r.\r\n', 'x\r\n.\r\nMAIL\r\n'],
    ['\r\n.\n', 'x\r\n\r\nMAIL\r\n'],
    ['\r\n.\r', 'x\r\n\r\nMAIL\r\n'],
    ['\r\n.\r\r\n', 'x\r\n\r\n\r\nMAIL\r\n'],
    ['\r\n\n.\r\n', 'x\r\n\r\n.\r\nMAIL\r\n'],
    ['\r\n\0.\r\n', 'x\r\n\0.\r\nMAIL\r\n'],
    ['\r\n.\0\r\n', 'x\r\n\0\r\nMAIL\r\n'],
    ['\n..\r\n', 'x\r\n..\r\nMAIL\r\n'],
    ['\r\r\n.\n\r\n', 'x\r\n\r\n\r\n\r\nMAIL\r\n'],
  ])('is not %j, however it is cut', (sequence, text) => {
    const octets = bytes(`x${sequence}MAIL\r\n.\r\n`)
    for (let first = 0; first <= octets.length; first++) {
      for (let second = first; second <= octets.length; second++) {
        const chunks = [
          octets.subarray(0, first),
          octets.subarray(first, second),
          octets.subarray(second),
        ]
        expect(message(scan(chunks))).toBe(text)
        expect(scan(chunks, REFUSE).received).toEqual(
          /\r(?!\n)|(?<!\r)\n/.test(sequence)
            ? { kind: 'lone line end' }
            : { kind: 'message', bytes: bytes(text) },
        )
      }
    }
  })

  test('leaves what follows for the next reader, however it is cut', () => {
    const octets = bytes('..a\r\n.\r\n.\r\nQUIT\r\n')
    for (let at = 0; at <= octets.length; at++) {
      const scanned = scan([octets.subarray(0, at), octets.subarray(at)])
      expect(message(scanned)).toBe('.a\r\n')
      expect(scanned.rest).toBe('.\r\nQUIT\r\n')
    }
  })
})

// Long enough runs to leave the octet-by-octet path and to come back to it.
const piece = fc.oneof(
  fc.constantFrom('\r', '\n', '.', '\r\n', '\r\n.', '\r\n..', '\n.', '\r.', '\0', 'a', '\xff'),
  fc.integer({ min: 1, max: 6_000 }).map((length) => 'x'.repeat(length)),
)
const content = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''))
const places = fc.array(fc.nat(), { maxLength: 12 })
const expecteds = fc.constantFrom(0, 10, 100_000)

describe('any content', () => {
  test('comes out as it was before it was stuffed', () => {
    fc.assert(
      fc.property(content, places, (raw, cuts) => {
        const text = raw === '' ? '' : `${raw.replace(/\r\n|\r|\n/g, '\r\n')}\r\n`
        const wire = bytes(`${stuff(text)}NOOP\r\n`)
        for (const limits of [FIX, REFUSE]) {
          const scanned = scan(cut(wire, cuts), limits)
          expect(message(scanned) === text).toBe(true)
          expect(scanned.rest).toBe('NOOP\r\n')
        }
      }),
      { seed: 2, numRuns: 400 },
    )
  })

  test('comes out the same in one chunk, in some and octet by octet', () => {
    fc.assert(
      fc.property(
        content,
        places,
        fc.constantFrom(0, 50),
        expecteds,
        (raw, cuts, maxMessageSize, expected) => {
          const wire = bytes(`${raw}\r\n.\r\n`)
          for (const loneLineEnds of ['fix', 'refuse'] as const) {
            const limits = { maxMessageSize, expected, loneLineEnds }
            const whole = scan([wire], limits)
            expect(same(scan(cut(wire, cuts), limits), whole)).toBe(true)
            const octets = Array.from(wire, (octet) => Buffer.of(octet))
            expect(same(scan(octets, limits), whole)).toBe(true)
          }
        },
      ),
      { seed: 3, numRuns: 100 },
    )
  })

  test('has only whole line ends when fixed', () => {
    fc.assert(
      fc.property(content, (raw) => {
        expect(/\r(?!\n)|(?<!\r)\n/.test(message(scan([bytes(`${raw}\r\n.\r\n`)])) ?? '')).toBe(
          false,
        )
      }),
      { seed: 4 },
    )
  })

  test('ends only at CRLF . CRLF', () => {
    const noise = fc.array(fc.constantFrom('\r', '\n', '.', 'a', '\0'), { maxLength: 40 })
    fc.assert(
      fc.property(noise, (octets) => {
        const wire = octets.join('')
        const end = wire.startsWith('.\r\n') ? 0 : wire.indexOf('\r\n.\r\n') + 2
        const scanned = scan([bytes(wire)])
        if (end === 1) expect(scanned.received).toBeUndefined()
        else expect(scanned.rest).toBe(wire.slice(end + 3))
      }),
      { seed: 5, numRuns: 5_000 },
    )
  })
})

function same(a: Scan, b: Scan): boolean {
  return a.received?.kind === b.received?.kind && message(a) === message(b) && a.rest === b.rest
}

describe('limits', () => {
  test.each([
    [7, 'message'],
    [6, 'too large'],
    [0, 'message'],
  ])('of %i octets for 7 octets that were 8 when stuffed: %s', (maxMessageSize, kind) => {
    const limits = { maxMessageSize, loneLineEnds: 'fix' } as const
    const scanned = scan([bytes('..a\r\nb\r\n.\r\nQUIT')], limits)
    expect(scanned.received?.kind).toBe(kind)
    expect(scanned.rest).toBe('QUIT')
  })

  test.each([
    [100_000, false],
    [0, true],
  ])('of %i octets for 2,000,000: keeps them: %s', async (maxMessageSize, isKept) => {
    const held: number[] = []
    const hold = (octets: number): boolean => held.push(octets) > 0
    const scanner = openScanner({ maxMessageSize, loneLineEnds: 'fix', hold })
    const push = (chunk: Buffer): WeakRef<ArrayBufferLike> => {
      scanner.push(chunk)
      return new WeakRef(chunk.buffer)
    }
    const plain = push(Buffer.alloc(1_000_000, `${'x'.repeat(998)}\r\n`))
    push(Buffer.alloc(1_000_000, `..${'x'.repeat(996)}\r\n`))
    // Octets are kept as copies of their own.
    const isGone = (): boolean => {
      collectGarbage()
      return plain.deref() === undefined
    }
    await expect.poll(isGone).toBe(true)
    expect(held).toEqual(isKept ? [1_000_000, expect.closeTo(1_999_000, -4)] : [0, 0])
    expect(scanner.push(bytes('.\r\n'))).toMatchObject({
      done: true,
      received: { kind: isKept ? 'message' : 'too large' },
      rest: EMPTY,
    })
  })

  test.each([
    ['what was announced', 200_000, true],
    ['more than what comes is believed', 50_000_000, true],
    ['less', 1_000, false],
  ])('memory is laid out once by an expected size: %s', (_what, expected, isWhole) => {
    const line = `${'x'.repeat(998)}\r\n`
    const chunks = Array.from({ length: 4 }, () => bytes(line.repeat(50)))
    const { received } = scan([...chunks, bytes('.\r\n')], { ...FIX, expected })
    if (received?.kind !== 'message') return expect.unreachable()
    expect(received.bytes.equals(Buffer.concat(chunks))).toBe(true)
    const isLaidOutOnce = received.bytes.buffer.byteLength > received.bytes.length
    expect(isLaidOutOnce).toBe(isWhole)
    expect(received.bytes.buffer.byteLength).toBeLessThanOrEqual(8 * 50_000)
  })

  test('does not keep a large chunk alive for a small message', () => {
    const chunk = bytes(`${'x'.repeat(600)}\r\n.\r\n${'y'.repeat(60_000)}`)
    const { received } = scan([Buffer.concat([chunk])])
    expect(received?.kind === 'message' && received.bytes.buffer.byteLength).toBeLessThan(16_385)
  })
})

test('a message that memory has no room for is read to its end and gives back what it held', () => {
  const held: number[] = []
  const hold = (octets: number): boolean => {
    held.push(octets)
    return octets <= 2000
  }
  const chunk = bytes(`${'x'.repeat(998)}\r\n`)
  const chunks = [chunk, chunk, chunk, chunk, bytes('.\r\nNOOP\r\n')]
  const { received, rest } = scan(chunks, { ...FIX, hold })
  expect(received).toEqual({ kind: 'no room' })
  expect(rest).toBe('NOOP\r\n')
  expect(Math.max(...held)).toBeLessThanOrEqual(3000)
  expect(held.at(-1)).toBe(0)
})
