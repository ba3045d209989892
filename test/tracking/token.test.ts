import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TokenFacts } from '../../src/tracking/facts.ts'
import { isJsonObject } from '../../src/tracking/json.ts'
import { openKeyring } from '../../src/tracking/keyring.ts'
import { type LinkKind, parsePath, trackingPrefix } from '../../src/tracking/path.ts'
import { openSealer, openToken, type Sealer } from '../../src/tracking/token.ts'
import { html, trackAll } from './track.ts'

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
  custom: { cust_shop: 'é' },
  mailfrom: 'news+a@sender.example',
  expirySeconds: 1_800_000_000,
}
const { tags: _tags, metadata: _metadata, custom: _custom, ...shortFacts } = facts

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

  test('leaves metadata, tags and custom variables out of the short form', () => {
    const opened = open(pathOf(openSealer(ring, salt(1)), 'click', '', 'short'))
    expect(opened).toMatchObject({ kind: 'opened', facts: shortFacts })
    expect(opened).not.toHaveProperty('facts.tags')
    expect(opened).not.toHaveProperty('facts.metadata')
    expect(opened).not.toHaveProperty('facts.custom')
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
  const { length } = Buffer.from(text, 'base64url')
  return Array.from({ length: length * 8 }, (_, bit) => flip(text, bit))
}

/** One bit, counted around. */
function flip(text: string, bit: number): string {
  const bytes = Buffer.from(text, 'base64url')
  const at = Math.floor(bit / 8) % bytes.length
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8))
  return bytes.toString('base64url')
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

  test('a recipient part of another message, of the same series or not, or in place of a link part', () => {
    const own = parsePath(path)
    const next = salt(1)
    next.writeUInt8(2, 15)
    for (const others of [salt(2), next]) {
      const other = parsePath(pathOf(openSealer(ring, others)))
      expect(open(`/f/a/${own?.linkPart}/${other?.recipientPart}`)).toEqual({ kind: 'bad' })
      expect(open(`/f/a/${other?.linkPart}/${other?.recipientPart}`)?.kind).toBe('opened')
    }
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

describe('whatever is put together', () => {
  // Two messages under two keys, with links of every kind, for two recipients each.
  const rings = [ring, openKeyring([{ secret: secret(2) }])]
  const sealed = rings.flatMap((keys, message) => {
    const sealer = openSealer(keys, salt(message))
    const recipients = ['a@e.com', 'b@e.com'].map((rcptTo) =>
      sealer.recipient({ ...facts, rcptTo }),
    )
    const links = (['click', 'unsubscribe', 'open', 'initial_open'] as const).flatMap((kind) =>
      ['', 'app'].map((sublink) => {
        const target = kind.includes('open') ? '' : `https://e.com/${message}/${kind}/${sublink}`
        return { kind, sublink, target, text: sealer.link(target, '', kind, sublink) }
      }),
    )
    return { message, links, texts: recipients.flatMap(({ full, short }) => [full, short]) }
  })
  const linkParts = sealed.flatMap(({ links, message }) =>
    links.map((link) => ({ ...link, message })),
  )
  const recipientParts = sealed.flatMap(({ texts, message }) =>
    texts.map((text) => ({ text, message })),
  )
  const both = openKeyring([{ secret: secret(1) }, { secret: secret(2) }])

  /** Does something to a part; what it does may be nothing. */
  const damage = fc.oneof(
    { weight: 3, arbitrary: fc.constant((text: string) => text) },
    fc.nat(1500).map((bit) => (text: string) => flip(text, bit)),
    fc.nat(300).map((length) => (text: string) => text.slice(0, length)),
    fc.base64String({ maxLength: 8 }).map((more) => (text: string) => text + more),
    fc.nat(300).map((at) => (text: string) => text.slice(at) + text.slice(0, at)),
  )

  test('nothing but what was sealed together opens, and only to its own target', () => {
    const any = fc.constantFrom(...linkParts, ...recipientParts)
    const route = fc.constantFrom('f/a', 'f/app', 'f/x', 'q')
    fc.assert(
      fc.property(route, any, damage, any, damage, (word, first, harm, second, harmToo) => {
        const texts = [harm(first.text), harmToo(second.text)]
        const opened = open(`/${word}/${texts.join('/')}`, both)
        const link = linkParts.find(({ text }) => text === texts[0])
        const recipient = recipientParts.find(({ text }) => text === texts[1])
        const wanted = link?.kind.includes('open') ? 'q' : `f/${link?.sublink || 'a'}`
        // A pixel's path shows no sublink, so one that was sealed with it never opens.
        const isWhole = link && recipient && link.message === recipient.message && word === wanted
        if (isWhole && (word !== 'q' || link.sublink === '')) {
          expect(opened).toMatchObject({ kind: 'opened', target: link.target, action: link.kind })
        } else {
          expect(opened?.kind).toMatch(/^(?:bad|foreign)$/)
        }
      }),
      { seed: 6, numRuns: 3000 },
    )
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

  test('nor by copies, whatever each carries and by whatever way', () => {
    const links =
      '<a href="http://e.com/1" data-msys-linkname=n>x</a><a href="http://e.com/2">y</a>'
    const seen = new Map<string, string>()
    const note = (range: string, text: string, head: number): void => {
      const key = `${range} ${counterOf(Buffer.from(text, 'base64url').subarray(head))}`
      expect(seen.get(key) ?? text).toBe(text)
      seen.set(key, text)
    }
    for (const includeMetadata of [true, false]) {
      const settings = {
        initialOpens: true,
        tags: ['t'.repeat(900)],
        metadata: { k: 'v'.repeat(900) },
      }
      const results = trackAll(html(`<html><body>${links.repeat(3)}</body></html>`), [
        { settings, transform: { includeMetadata, growthLimit: 4000 } },
        { settings: { ...settings, clicks: false } },
        { settings: { ...settings, tags: [], domain: 'other.example' } },
        { settings: { ...settings, openScheme: 'https' } },
      ])
      seen.clear()
      for (const { message } of results) {
        const unfolded = message.replaceAll('=\r\n', '')
        for (const [, link = '', recipient = ''] of unfolded.matchAll(
          /example(?::8080)?\/(?:f\/a|q)\/([\w-]+)\/([\w-]+)/g,
        )) {
          note('link', link, 20)
          note('recipient', recipient, 0)
        }
      }
      expect(seen.size).toBeGreaterThan(7)
    }
  })

  test('the same numbers under another salt give other tokens', () => {
    const parts = [1, 2].map((fill) => openSealer(ring, salt(fill)).recipient(shortFacts).full)
    expect(parts[0]).not.toBe(parts[1])
  })
})

test('no recipient part ends in what mail readers take for punctuation', () => {
  const sealer = openSealer(ring, salt(9))
  const ends = Array.from({ length: 2_000 }, () => {
    const { full, short } = sealer.recipient(facts)
    return [full.at(-1), short.at(-1)]
  }).flat()
  expect(new Set(ends).size).toBe(63)
  expect(ends).not.toContain('-')
})
