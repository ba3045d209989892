// Types of option values (Momentum manual, "console_commands.config" and the page of each option): how
// each is read from text, list or dictionary, and what to tell who wrote something else. Reading is
// total: what does not fit is `undefined`. A single value also stands for a list of one.
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { decode } from './bytes.ts'
import { readCidr, type Cidr } from './cidr.ts'
import { readDomains, type DomainList } from './domains.ts'
import { readRoute, readTarget, type RouteTarget, type Target } from './nexthop.ts'
import type { Text, Value } from './tree.ts'

export interface Type<T> {
  /** Completes a sentence that begins with `expected`. */
  readonly expected: string
  /** `folder`: where relative paths begin. */
  readonly read: (value: Value, folder: string) => T | undefined
  /** Of a list that does not fit: the first item that does not. */
  readonly culprit?: (value: Value) => Text | undefined
  /** The value is never repeated in a message. */
  readonly isSecret?: boolean
}

const TRUTHS = new Map([
  ...['true', 'on', 'yes', 'enabled', '1'].map((word) => [word, true] as const),
  ...['false', 'off', 'no', 'disabled', '0'].map((word) => [word, false] as const),
])

export const BOOLEAN = scalar('true or false', readBoolean)

export const COUNT = scalar('a whole number, 0 or more', (text) => readInteger(text, 0))

export const POSITIVE = scalar('a whole number, 1 or more', (text) => readInteger(text, 1))

/** `auto`: one for each processor. */
export const WORKERS = scalar('a number from 1 to 256, or auto', (text) => {
  const count = text.toLowerCase() === 'auto' ? availableParallelism() : readInteger(text, 1)
  return count !== undefined && count <= 256 ? count : undefined
})

export const SECONDS = scalar('whole seconds', (text) => readInteger(text, 0))

export const BYTES = scalar('a whole number of bytes', (text) => readInteger(text, 0))

/** So many in so many seconds. */
export interface Rate {
  readonly count: number
  readonly seconds: number
}

export const RATE = scalar(
  'a number, or one over seconds such as 100/60',
  (text): Rate | undefined => {
    const [, count, seconds = '1'] = /^(\d{1,9})(?:\s*\/\s*(\d{1,9}))?$/.exec(text) ?? []
    if (count === undefined || Number(seconds) === 0) return undefined
    return { count: Number(count), seconds: Number(seconds) }
  },
)

export const PORT = scalar('a port from 1 to 65535', (text) => {
  const port = readInteger(text, 1)
  return port !== undefined && port <= 65_535 ? port : undefined
})

export const IP_ADDRESS = scalar('an IPv4 or IPv6 address', (text) =>
  isIP(text) > 0 ? text : undefined,
)

/** Octal, as modes are written. */
export const MODE = scalar('an octal file mode such as 0644', (text) =>
  /^[0-7]{1,5}$/.test(text) ? Number.parseInt(text, 8) : undefined,
)

/** A byte string. */
export const STRING = scalar('a string', (text) => text)

export const NON_EMPTY = scalar('a string that is not empty', (text) => text || undefined)

export const TOKEN: Type<string> = {
  ...scalar('16 characters or more, letters and digits', (text) =>
    /^[\w-]{16,}$/.test(text) ? text : undefined,
  ),
  isSecret: true,
}

/** A host name for greetings and headers. */
export const HOSTNAME = scalar('a host name', (text) =>
  /^[!-~\x80-\xff]+$/.test(text) ? text : undefined,
)

/** An absolute path; an empty one, which switches off what would be written there, stays empty. */
export const PATH: Type<string> = {
  expected: 'a path',
  read: (value, folder) => (value.kind === 'text' ? readPath(value.text, folder) : undefined),
}

/** A log: a path, or `jlog://path=>subscriber`, which is written as a plain file. */
export const LOG_PATH: Type<string> = {
  expected: 'a path',
  read(value, folder) {
    if (value.kind !== 'text') return undefined
    const jlog = /^(?:jlog|cluster):\/\/(.*)$/is.exec(value.text)
    return readPath(jlog ? jlog[1]!.split('=>', 1)[0]! : value.text, folder)
  },
}

export const TARGET: Type<Target> = scalar('a host, host:port or [IPv6 address]:port', readTarget)

export const TARGETS: Type<readonly Target[]> = listOf(
  'a list of hosts, host:port or [IPv6 address]:port',
  readTarget,
)

export const PATHS: Type<readonly string[]> = {
  expected: 'a list of paths',
  read: (value, folder) => readStrings(value)?.map((path) => readPath(path, folder)),
}

export const STRINGS: Type<readonly string[]> = {
  expected: 'a list of strings',
  read: readStrings,
}

/** What a file holds that is read with the configuration; at most 1 MB. */
export const FILE: Type<Buffer> = {
  expected: 'the path of a readable file of at most 1 MB',
  read(value, folder) {
    if (value.kind !== 'text') return undefined
    try {
      const octets = readFileSync(readPath(value.text, folder))
      return octets.length <= 1 << 20 ? octets : undefined
    } catch {
      // The caller names the option and its place.
      return undefined
    }
  },
}

/** Scheme and host, perhaps a port, of a web server; without a slash at its end. */
export const ORIGIN = scalar('an origin such as https://click.example.com', (text) => {
  const origin = /^(https?:\/\/[^/?#@\s]+)\/?$/i.exec(text)?.[1]
  return origin && URL.canParse(origin) ? new URL(origin).origin : undefined
})

export const CIDRS: Type<readonly Cidr[]> = listOf(
  'a list of addresses and CIDR blocks such as 10.0.0.0/8',
  readCidr,
)

/** As c-ares takes them: `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]:5353`. */
export const DNS_SERVERS: Type<readonly string[]> = listOf(
  'a list of addresses, with a port where it is not 53, such as 192.0.2.53:5353',
  (text) => (isIP(text) || isIP(readTarget(text)?.host ?? '') ? text : undefined),
)

export const ROUTES: Type<readonly RouteTarget[]> = listOf(
  'a list of hosts, "__mx__" and "smtp://host?pref=P&port=O&type=mx|a"',
  readRoute,
)

export const PATTERNS: Type<readonly RegExp[]> = listOf('a list of regular expressions', toRegExp)

export const DOMAINS: Type<DomainList> = {
  expected: 'a list of domains such as example.com and *.example.com',
  culprit: (value) => itemsOf(value)?.find(({ text }) => !readDomains([text])),
  read(value) {
    const patterns = readStrings(value)
    return patterns && readDomains(patterns)
  },
}

/** Strings by key, in order. */
export const DICTIONARY: Type<ReadonlyMap<string, string>> = {
  expected: 'a dictionary [ key = "value" … ]',
  read(value) {
    if (value.kind !== 'dictionary') return undefined
    const entries: [string, string][] = []
    for (const [key, item] of value.entries) {
      if (item.kind !== 'text') return undefined
      entries.push([key, item.text])
    }
    return new Map(entries)
  },
}

/** Paths by what stands for them elsewhere: byte strings, and absolute text. */
export const PATH_MAP: Type<ReadonlyMap<string, string>> = {
  expected: 'a dictionary [ "/path/in/scripts" = "/path/here" … ]',
  read(value, folder) {
    const found = DICTIONARY.read(value, folder)
    if (found === undefined) return undefined
    const entries = [...found]
    if (entries.some(([from, to]) => !from.startsWith('/') || to === '')) return undefined
    return new Map(entries.map(([from, to]) => [decode(from), readPath(to, folder)]))
  },
}

export function oneOf<const T extends string>(...words: readonly T[]): Type<T> {
  return scalar(`one of ${words.join(', ')}`, (text) => words.find((w) => w === text.toLowerCase()))
}

export function scalar<T>(expected: string, read: (text: string) => T | undefined): Type<T> {
  return { expected, read: (value) => (value.kind === 'text' ? read(value.text) : undefined) }
}

/** A Perl-compatible expression on byte strings; of its inline options, a leading `(?i)` is known. */
export function toRegExp(text: string): RegExp | undefined {
  const isCaseless = text.startsWith('(?i)')
  try {
    return new RegExp(isCaseless ? text.slice(4) : text, isCaseless ? 'i' : '')
  } catch {
    // Not an expression; who asked says so.
    return undefined
  }
}

/** The items of a list; nothing for a dictionary. */
export function itemsOf(value: Value): readonly Text[] | undefined {
  if (value.kind === 'dictionary') return undefined
  return value.kind === 'text' ? [value] : value.items
}

export function readStrings(value: Value): readonly string[] | undefined {
  return itemsOf(value)?.map(({ text }) => text)
}

/** A path of a byte string, with or without `file://`, as absolute text. */
export function readPath(text: string, folder: string): string {
  const path = decode(text.replace(/^file:\/\//i, ''))
  return path === '' ? '' : resolve(folder, path)
}

function listOf<T>(expected: string, read: (text: string) => T | undefined): Type<readonly T[]> {
  return {
    expected,
    culprit: (value) => itemsOf(value)?.find(({ text }) => read(text) === undefined),
    read(value) {
      const items = readStrings(value)?.map(read)
      return items?.every((item): item is T & {} => item !== undefined) ? items : undefined
    },
  }
}

export function readBoolean(text: string): boolean | undefined {
  return TRUTHS.get(text.toLowerCase())
}

function readInteger(text: string, least: number): number | undefined {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : -1
  return value >= least ? value : undefined
}
