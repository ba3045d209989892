// Helpers of Momentum's default policy that its samples call (seen in lua-policies, documented nowhere): whether
// the name of a client leads back to its address, and sizes as people write them.
import { later } from '../lua/binding.ts'
import { LuaCallError } from '../lua/error.ts'
import { multiple } from '../lua/value.ts'
import { lowerCase } from '../mail/bytes.ts'
import type { Resolver } from '../outside/outside.ts'
import { declare } from './declaration.ts'
import { reverseName } from './dns.ts'
import { type Accept, assertAlive, type ValidationContext } from './handle.ts'
import { object, string } from './parameter.ts'

const fn = declare<undefined>()

/** Names of one address that are looked at (RFC 7208 §4.6.4 has the same limit). */
const MAX_NAMES = 10

export const FCDNS_FUNCTIONS = [
  fn(
    'msys.pbp.fcdns_check',
    [object<Accept>('ac', 'ac'), object<ValidationContext>('vctx', 'vctx')],
    {
      result: 'boolean, string | nil, string | nil',
      tier: 2,
      doc: "whether a name of the client's address leads back to it; else what went wrong on the way there and back. Sets `reverse_dns` and `fcdns_status` of the connection",
    },
    (_, [ac, vctx], { outside }) =>
      later(async () => {
        const { names, isForward, reverseError, forwardError } = await checkBoth(
          ac.remoteAddress,
          outside.resolver,
        )
        assertAlive(vctx)
        const { connection } = vctx.context
        connection.set('reverse_dns', names[0] ?? '')
        connection.set('fcdns_status', String(isForward))
        return multiple(isForward, reverseError, forwardError)
      }),
  ),
  fn(
    'msys.pbp.size_in_bytes',
    [string('text')],
    {
      result: 'number',
      tier: 2,
      doc: 'a size such as 30m as a number of octets; k, m and g are powers of 1024',
    },
    (_, [text]) => {
      const [, digits, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmg]?)b?$/i.exec(text.trim()) ?? []
      if (digits === undefined) {
        throw new LuaCallError(`msys.pbp.size_in_bytes: bad argument #1 (no size: '${text}'): text`)
      }
      return Math.floor(Number(digits) * 1024 ** ' kmg'.indexOf(unit.toLowerCase() || ' '))
    },
  ),
]

/**
 * The name of a client that leads back to its address (RFC 7208 §5.5): `domain` itself, else one below it, else
 * any; undefined where none does.
 */
export async function validatedName(
  address: string,
  domain: string,
  resolver: Resolver,
): Promise<string | undefined> {
  const reverse = await resolver.ask({ name: reverseName(address), type: 'PTR' })
  if (reverse.kind !== 'found') return undefined
  const names = reverse.records.map((name) => lowerCase(name.replace(/\.$/, '')))
  const wanted = lowerCase(domain)
  const rank = (name: string): number => (name === wanted ? 0 : name.endsWith(`.${wanted}`) ? 1 : 2)
  for (const name of names.slice(0, MAX_NAMES).toSorted((a, b) => rank(a) - rank(b))) {
    if ((await leadsBack(name, address, resolver)).isForward) return name
  }
  return undefined
}

async function leadsBack(
  name: string,
  address: string,
  resolver: Resolver,
): Promise<{ readonly isForward: boolean; readonly error?: string }> {
  const forward = await resolver.ask({ name, type: address.includes(':') ? 'AAAA' : 'A' })
  if (forward.kind !== 'found') return { isForward: false, error: forward.text }
  const own = reverseName(address)
  return { isForward: forward.records.some((found) => reverseName(found) === own) }
}

interface Names {
  readonly names: readonly string[]
  readonly isForward: boolean
  readonly reverseError?: string | undefined
  readonly forwardError?: string | undefined
}

async function checkBoth(address: string, resolver: Resolver): Promise<Names> {
  const reverse = await resolver.ask({ name: reverseName(address), type: 'PTR' })
  if (reverse.kind === 'refused') throw new LuaCallError(`msys.pbp.fcdns_check: ${reverse.text}`)
  if (reverse.kind === 'failed') return { names: [], isForward: false, reverseError: reverse.text }
  const names = reverse.records.map((name) => lowerCase(name.replace(/\.$/, '')))
  let forwardError: string | undefined
  for (const name of names.slice(0, MAX_NAMES)) {
    const { isForward, error } = await leadsBack(name, address, resolver)
    if (isForward) {
      return { names: [name, ...names.filter((other) => other !== name)], isForward }
    }
    forwardError = error ?? forwardError
  }
  return { names, isForward: false, forwardError }
}
