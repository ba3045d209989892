// Data files of rbldnsd (rbldnsd(8), "ip4set", "ip6trie"), as Momentum reads them (manual page
// "lua.ref.msys.cidr.define"): a line is an address, a block or a range, and after it `:A:TXT` or a text. A line
// that begins with a colon says what those below it have that say nothing. `!` excludes. An IPv6 address is
// parted from its value by ` :`.
import { type Cidr, readAddress, readCidr } from '../../config/cidr.ts'

export interface RbldnsdEntry {
  /** A range is several. */
  readonly blocks: readonly Cidr[]
  /** Undefined: excluded. */
  readonly value: RbldnsdValue | undefined
}

export interface RbldnsdValue {
  readonly a: string
  readonly txt: string
}

const USUAL: RbldnsdValue = { a: '127.0.0.2', txt: '' }

/** Reads line by line. A line gives its entry, nothing, or `false` when it cannot be understood. */
export function rbldnsdReader(): (line: string) => RbldnsdEntry | undefined | false {
  let usual = USUAL

  return (line) => {
    const text = line.trim()
    if (text === '' || /^[#;$]/.test(text)) return undefined
    if (text.startsWith(':')) {
      usual = readValue(text, usual)
      return undefined
    }
    const { isExcluded, blocks, rest } = readTarget(text)
    if (blocks.length === 0) return false
    return { blocks, value: isExcluded ? undefined : readValue(rest, usual) }
  }
}

/** `1.2.3` is the block of all addresses that begin so; of a range the end may be short. */
function readTarget(text: string) {
  const [, not, entry = ''] = /^(!?)\s*(.*)$/s.exec(text) ?? []
  const isExcluded = not === '!'
  const [first = ''] = entry.split(/\s/, 1)
  const ipv6 = first.includes(':') ? readCidr(first) : undefined
  if (ipv6) return { isExcluded, blocks: [ipv6], rest: entry.slice(first.length).trim() }
  const [whole = '', start = '', length, end] =
    /^([\d.]+)(?:\/(\d{1,2}))?(?:\s*-\s*([\d.]+))?/.exec(entry) ?? []
  const rest = entry.slice(whole.length).trim()
  const blocks = end === undefined ? blockOf(start, length) : rangeOf(start, end)
  return { isExcluded, blocks, rest }
}

function blockOf(start: string, length: string | undefined): readonly Cidr[] {
  const octets = octetsOf(start)
  if (!octets) return []
  const block = readCidr(`${pad(octets, '0')}/${length ?? 8 * octets.length}`)
  return block ? [block] : []
}

function rangeOf(start: string, end: string): readonly Cidr[] {
  const [from, short] = [octetsOf(start), octetsOf(end)]
  if (!from || !short || short.length > from.length) return []
  const to = [...from.slice(0, from.length - short.length), ...short]
  const [first, last] = [readAddress(pad(from, '0')), readAddress(pad(to, '255'))]
  return first && last ? blocksBetween(first.bits, last.bits) : []
}

/** The fewest blocks from one IPv4 address to another; none when the range is empty. */
function blocksBetween(first: bigint, last: bigint): readonly Cidr[] {
  const blocks: Cidr[] = []
  let bits = first
  while (bits <= last) {
    let hostBits = 0n
    while (
      hostBits < 32n &&
      bits % (2n << hostBits) === 0n &&
      bits + (2n << hostBits) - 1n <= last
    ) {
      hostBits++
    }
    blocks.push({ family: 4, bits, prefix: 32 - Number(hostBits) })
    bits += 1n << hostBits
  }
  return blocks
}

function octetsOf(text: string): readonly string[] | undefined {
  const octets = text.replace(/\.$/, '').split('.')
  return octets.length <= 4 && octets.every((octet) => /^\d{1,3}$/.test(octet)) ? octets : undefined
}

function pad(octets: readonly string[], filler: string): string {
  return [...octets, ...Array<string>(4 - octets.length).fill(filler)].join('.')
}

/** `:A:TXT`, where A may be its last octet alone, or a text. */
function readValue(text: string, usual: RbldnsdValue): RbldnsdValue {
  if (text === '' || /^[#;]/.test(text)) return usual
  const [, a, txt = ''] = /^:([\d.]*)(?::(.*))?$/s.exec(text) ?? []
  if (a === undefined) return { a: usual.a, txt: text.replace(/^:/, '').trim() }
  if (a === '') return { a: usual.a, txt: txt.trim() }
  return { a: a.includes('.') ? a : `127.0.0.${a}`, txt: txt.trim() }
}
