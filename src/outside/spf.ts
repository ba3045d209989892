// SPF (RFC 7208): whether a client may send in the name of a domain. The evaluation is mailauth's, which is only
// loaded where the configuration wants it; DNS is ours, with its cache.
import type { Resolver } from './outside.ts'

export interface SenderFacts {
  /** Byte strings. Without a sender the name of EHLO is looked at. */
  readonly mailfrom: string
  readonly helo: string
  readonly address: string
}

export type SpfStatus =
  'pass' | 'fail' | 'softfail' | 'neutral' | 'none' | 'temperror' | 'permerror'

/** Never fails: what goes wrong is `temperror`. */
export async function checkSpf(
  { mailfrom, helo, address }: SenderFacts,
  resolver: Resolver,
  hostname: string,
): Promise<SpfStatus> {
  const { spf } = await import('mailauth/lib/spf/index.js')
  try {
    const { status } = await spf({
      sender: mailfrom,
      ip: address,
      helo,
      mta: hostname,
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its types forget records of MX
      resolver: (name, type) => recordsOf(resolver, name, type) as Promise<string[]>,
    })
    return STATUSES.find((known) => known === status.result) ?? 'temperror'
  } catch {
    // Whatever the library makes of what DNS says, mail goes on.
    return 'temperror'
  }
}

const STATUSES: readonly SpfStatus[] = [
  'pass',
  'fail',
  'softfail',
  'neutral',
  'none',
  'temperror',
  'permerror',
]

const CODES: Readonly<Record<string, string>> = {
  NXDOMAIN: 'ENOTFOUND',
  NODATA: 'ENODATA',
  TIMEOUT: 'ETIMEOUT',
  REFUSED: 'EREFUSED',
}

/** As node:dns has them. */
async function recordsOf(resolver: Resolver, name: string, type: string): Promise<unknown[]> {
  if (type !== 'A' && type !== 'AAAA' && type !== 'MX' && type !== 'TXT' && type !== 'PTR') {
    throw new Error(`SPF does not ask for ${type}`)
  }
  const answer = await resolver.ask({ name: name.replace(/\.$/, ''), type })
  if (answer.kind !== 'found') {
    const code = CODES[answer.text] ?? `E${answer.text}`
    throw Object.assign(new Error(answer.text), { code })
  }
  switch (type) {
    case 'TXT':
      return answer.records.map((record) => [record])
    case 'MX':
      return answer.records.map((record) => {
        const [priority, exchange] = record.split(' ')
        return { priority: Number(priority), exchange }
      })
    default:
      return [...answer.records]
  }
}
