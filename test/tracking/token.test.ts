import { describe, expect, test } from 'vitest'
import type { TokenFacts } from '../../src/tracking/facts.ts'
import { isJsonObject } from '../../src/tracking/json.ts'
import { openKeyring } from '../../src/tracking/keyring.ts'
import { type LinkKind, parsePath, trackingPrefix } from '../../src/tracking/path.ts'
import { openSealer, openToken, type Sealer } from '../../src/tracking/token.ts'

const secret = (fill: number): Buffer => Buffer.alloc(32, fill)
const ring = openKeyring([{ secret: secret(1) }])
const salt = (fill: number): Buffer => Buffer.alloc(16, fill)

const facts: TokenFacts = {
  messageId: '0000632c8b54d53f0a00',
  rcptTo: 'a@example.com',
  rawRcptTo: 'A@Example.com',
  transmissionId: '12345678901234567',
  customerId: '7',
  campaignId: 'été',
  tags: ['t1', 't2'],
  metadata: { user: 'ü', nested: { deep: [1, null] } },
  expirySeconds: 1_800_000_000,
}
const { tags: _tags, metadata: _metadata, ...shortFacts } = facts

function pathOf(
  sealer: Sealer,
  kind: LinkKind = 'click',
  sublink = '',
  form: 'full' | 'short' = 'full',
): string {
  const linkPart = sealer.link(kind === 'open' ? '' : 'https://e.com/?a=ü', 'name', kind, sublink)
  const prefix = trackingPrefix('http', 't.example', kind, sublink, linkPart)
  return prefix.slice('http://t.example'.length) + sealer.recipient(facts)[form]
}

/** As `JSON.parse` makes it, with a member of that name. */
const parsed = (json: string): TokenFacts['metadata'] & object => {
  const value: unknown = JSON.parse(json)
  if (!isJsonObject(value)) throw new Error(json)
  return value
}

const open = (path: string, keyring = ring) => {
  const parsed = parsePath(path)
  return parsed ? openToken(keyring, parsed) : undefined
}

describe('sealed and opened', () => {
  test.each(['click', 'unsubscribe', 'open', 'initial_open'] as const)(
    'gives everything back for %s',
    (kind) => {
      const target = kind === 'open' ? '' : 'https://e.com/?a=ü'
      expect(open(pathOf(openSealer(ring, salt(1)), kind))).toEqual({
        kind: 'opened',
        action: kind,
        target,
        name: 'name',
        facts,
      })
    },
  )

  test('leaves metadata and tags out of the short form', () => {
    const opened = open(pathOf(openSealer(ring, salt(1)), 'click', '', 'short'))
    expect(opened).toMatchObject({ kind: 'opened', facts: shortFacts })
    expect(opened).not.toHaveProperty('facts.tags')
    expect(opened).not.toHaveProperty('facts.metadata')
  })

  test('has one form only without metadata and tags', () => {
    const { full, short } = openSealer(ring, salt(1)).recipient(shortFacts)
    expect(short).toBe(full)
  })

  test('keeps the address when lower case is not what the envelope has', () => {
    const sealer = openSealer(ring, salt(1))
    const path = `/q/${sealer.link('', '', 'open', '')}/`
    const odd = { ...shortFacts, rcptTo: 'b@example.com' }
    expect(open(path + sealer.recipient(odd).full)).toMatchObject({ facts: odd })
  })

  test('deflates long metadata', () => {
    const sealer = openSealer(ring, salt(1))
    const metadata = Object.fromEntries(
      [...Array(40).keys()].map((i) => [`key ${i}`, 'x'.repeat(20)]),
    )
    const { full } = sealer.recipient({ ...facts, metadata })
    expect(full.length).toBeLessThan(JSON.stringify(metadata).length / 2)
    const path = `/q/${sealer.link('', '', 'open', '')}/${full}`
    expect(open(path)).toMatchObject({ facts: { metadata } })
  })

  test('keeps a metadata member called __proto__ as data', () => {
    const sealer = openSealer(ring, salt(1))
    const metadata = parsed('{"__proto__":{"a":1}}')
    const opened = open(
      `/q/${sealer.link('', '', 'open', '')}/${sealer.recipient({ ...facts, metadata }).full}`,
    )
    expect(JSON.stringify(opened?.kind === 'opened' && opened.facts.metadata)).toBe(
      '{"__proto__":{"a":1}}',
    )
  })

  test('calls a link without a name Raw URL', () => {
    const sealer = openSealer(ring, salt(1))
    const path = `/f/a/${sealer.link('http://e.com', '', 'click', '')}/${sealer.recipient(facts).full}`
    expect(open(path)).toMatchObject({ name: 'Raw URL' })
  })

  test('seals the same link once', () => {
    const sealer = openSealer(ring, salt(1))
    const link = sealer.link('http://e.com', 'n', 'click', '')
    expect(sealer.link('http://e.com', 'n', 'click', '')).toBe(link)
    expect(sealer.link('http://e.com', 'n', 'unsubscribe', '')).not.toBe(link)
  })
})

describe('lengths', () => {
  test('recipient parts are multiples of 24 characters', () => {
    const sealer = openSealer(ring, salt(1))
    for (let length = 0; length < 60; length++) {
      const parts = sealer.recipient({ ...facts, campaignId: 'c'.repeat(length) })
      expect(parts.full.length % 24).toBe(0)
      expect(parts.short.length % 24).toBe(0)
    }
  })

  test('link parts have the residue asked for', () => {
    const sealer = openSealer(ring, salt(1))
    for (let length = 0; length < 12; length++) {
      for (const residue of [0, 1, 2]) {
        const target = `http://e.com/${'x'.repeat(length)}`
        const link = sealer.link(target, '', 'click', '', residue)
        expect(link.length % 3).toBe(residue)
        expect(open(`/f/a/${link}/${sealer.recipient(facts).full}`)).toMatchObject({ target })
      }
    }
  })
})

const flips = (text: string): string[] => {
  const bytes = Buffer.from(text, 'base64url')
  return [...bytes.keys()].flatMap((i) =>
    [...Array(8).keys()].map((bit) => {
      const flipped = Buffer.from(bytes)
      flipped[i] = (flipped[i] ?? 0) ^ (1 << bit)
      return flipped.toString('base64url')
    }),
  )
}

describe('what does not open', () => {
  const sealer = openSealer(ring, salt(1))
  const path = pathOf(sealer)

  test('any changed character', () => {
    const start = '/f/a/'.length
    for (let i = start; i < path.length; i++) {
      if (path[i] === '/') continue
      for (const other of ['A', 'B', '-', '~', '.']) {
        if (path[i] === other) continue
        const changed = path.slice(0, i) + other + path.slice(i + 1)
        const isNamed = i >= start + 6
        expect(open(changed)?.kind, changed).toMatch(isNamed ? /^bad$/ : /^(bad|foreign)$/)
      }
    }
  })

  test('any flipped bit', () => {
    const { linkPart = '', recipientPart = '' } = parsePath(path) ?? {}
    for (const link of flips(linkPart)) {
      expect(open(`/f/a/${link}/${recipientPart}`)?.kind).toMatch(/^(bad|foreign)$/)
    }
    for (const recipient of flips(recipientPart)) {
      expect(open(`/f/a/${linkPart}/${recipient}`)?.kind).toBe('bad')
    }
  })

  test('any truncation', () => {
    for (let length = 0; length < path.length; length++) {
      expect(open(path.slice(0, length))?.kind ?? 'foreign').toMatch(/^(bad|foreign)$/)
    }
  })

  test('non-canonical base64url', () => {
    const { linkPart = '', recipientPart = '' } = parsePath(path) ?? {}
    for (const pad of ['=', '==', '~']) {
      expect(open(`/f/a/${linkPart}${pad}/${recipientPart}`)).toEqual({ kind: 'bad' })
      expect(open(`/f/a/${linkPart}/${recipientPart}${pad}`)).toEqual({ kind: 'bad' })
    }
    expect(open(`/f/a/${linkPart}/${recipientPart}/x`)).toEqual({ kind: 'bad' })
    expect(open(`/f/a/${linkPart.replaceAll('-', '+')}+/${recipientPart}`)).toEqual({ kind: 'bad' })
  })

  test('a click on the open route, and the reverse', () => {
    const { linkPart = '', recipientPart = '' } = parsePath(path) ?? {}
    expect(open(`/q/${linkPart}/${recipientPart}`)).toEqual({ kind: 'bad' })
    const pixel = parsePath(pathOf(sealer, 'open'))
    expect(open(`/f/a/${pixel?.linkPart}/${pixel?.recipientPart}`)).toEqual({ kind: 'bad' })
  })

  test('a swapped sublink', () => {
    const sublinked = pathOf(sealer, 'click', 'open-in-app')
    expect(open(sublinked)?.kind).toBe('opened')
    expect(open(sublinked.replace('/open-in-app/', '/a/'))).toEqual({ kind: 'bad' })
    expect(open(sublinked.replace('/open-in-app/', '/other/'))).toEqual({ kind: 'bad' })
  })

  test('a recipient part of another message, or in place of a link part', () => {
    const other = parsePath(pathOf(openSealer(ring, salt(2))))
    const own = parsePath(path)
    expect(open(`/f/a/${own?.linkPart}/${other?.recipientPart}`)).toEqual({ kind: 'bad' })
    expect(open(`/f/a/${own?.linkPart}/${own?.linkPart}`)).toEqual({ kind: 'bad' })
  })

  test.each([
    '/f/a/AAAAAAAAAAAAAAAAAAAAAA~~/AAAAAAA~/QUJD~',
    '/q/garbage/x',
    '/f/a//',
    '/f/a/AQ/AQ',
    '/q/%00/%ff',
  ])('%s is foreign', (foreign) => {
    expect(open(foreign)).toEqual({ kind: 'foreign' })
  })
})

describe('keys', () => {
  test('E145 a rotated key still opens, the first that is not retired seals', () => {
    const before = pathOf(openSealer(ring, salt(1)))
    const rotated = openKeyring([
      { secret: secret(3), retired: true },
      { secret: secret(2) },
      { secret: secret(1), retired: true },
    ])
    expect(open(before, rotated)?.kind).toBe('opened')
    const after = pathOf(openSealer(rotated, salt(1)))
    expect(open(after, rotated)?.kind).toBe('opened')
    expect(open(after, openKeyring([{ secret: secret(2) }]))?.kind).toBe('opened')
    expect(open(after, ring)).toEqual({ kind: 'foreign' })
  })

  test.each([
    ['no key', []],
    ['only retired keys', [{ secret: secret(1), retired: true }]],
    ['a short key', [{ secret: Buffer.alloc(15) }]],
    ['the same key twice', [{ secret: secret(1) }, { secret: secret(1) }]],
  ])('refuses %s', (_what, keys) => {
    expect(() => openKeyring(keys)).toThrow()
  })
})

/** The number in clear at the head of a part, which is the nonce within its range. */
const counterOf = (bytes: Buffer): number => {
  let value = 0
  for (let i = 0; ; i++) {
    const octet = bytes[i] ?? 0
    value += (octet & 0x7f) * 0x80 ** i
    if (octet < 0x80) return value
  }
}

describe('counters', () => {
  test('none is used twice in a message', () => {
    const sealer = openSealer(ring, salt(1))
    const links = new Set<number>()
    const recipients = new Set<number>()
    for (let i = 0; i < 300; i++) {
      for (const kind of ['click', 'unsubscribe', 'open', 'initial_open'] as const) {
        const link = sealer.link(`http://e.com/${i}`, '', kind, '', i % 3)
        links.add(counterOf(Buffer.from(link, 'base64url').subarray(20)))
      }
      const { full, short } = sealer.recipient(facts)
      recipients.add(counterOf(Buffer.from(full, 'base64url')))
      recipients.add(counterOf(Buffer.from(short, 'base64url')))
    }
    expect(links.size).toBe(1200)
    expect(recipients.size).toBe(600)
  })

  test('the same numbers under another salt give other tokens', () => {
    const parts = [1, 2].map((fill) => openSealer(ring, salt(fill)).recipient(shortFacts).full)
    expect(parts[0]).not.toBe(parts[1])
  })
})
