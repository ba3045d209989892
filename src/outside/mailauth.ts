// SPF (RFC 7208) and ARC (RFC 8617) by mailauth, which is only loaded when it is asked; DNS is ours, with its cache.
import type { KeyObject } from 'node:crypto'
import type { Resolver } from './outside.ts'

export interface SenderFacts {
  /** Byte strings. Without a sender the name of EHLO is looked at. */
  readonly mailfrom: string
  readonly helo: string
  readonly address: string
}

export type SpfStatus =
  'pass' | 'fail' | 'softfail' | 'neutral' | 'none' | 'temperror' | 'permerror'

/** Never fails: what goes wrong is `temperror`. `hostname`: ours. */
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
      resolver: dnsOf(resolver),
    })
    return STATUSES.find((known) => known === status.result) ?? 'temperror'
  } catch {
    // Whatever the library makes of what DNS says, mail goes on.
    return 'temperror'
  }
}

/** The value of Received-SPF (RFC 7208 §9.1). */
export function receivedSpf(
  status: SpfStatus,
  { mailfrom, helo, address }: SenderFacts,
  hostname: string,
): string {
  const identity = mailfrom === '' ? 'helo' : 'mailfrom'
  const facts = [
    `client-ip=${address}`,
    `envelope-from="${tame(mailfrom)}"`,
    `helo=${tame(helo)}`,
    `receiver=${hostname}`,
    `identity=${identity}`,
  ]
  return `${status} (${hostname}: ${address}) ${facts.join('; ')}`
}

/** What Authentication-Results says of it (RFC 8601 §2.7.2). */
export function spfResult(status: SpfStatus, { mailfrom, helo }: SenderFacts): string {
  const domain = tame(mailfrom.slice(mailfrom.lastIndexOf('@') + 1))
  return `spf=${status} ${domain === '' ? `smtp.helo=${tame(helo)}` : `smtp.mailfrom=${domain}`}`
}

/** A client writes what it likes: nothing of it may look like another result. */
function tame(text: string): string {
  return text.replace(/[^\w.@+=:[\]-]/g, '?')
}

export type ArcStatus = 'none' | 'pass' | 'fail'

/** The state of the chain of seals in a message (`cv`). Never fails; `why` says what is wrong with it. */
export async function verifyArc(
  message: Buffer,
  resolver: Resolver,
): Promise<{ readonly status: ArcStatus; readonly why?: string | undefined }> {
  const [{ dkimVerify }, { arc }] = await Promise.all([
    import('mailauth/lib/dkim/verify.js'),
    import('mailauth/lib/arc/index.js'),
  ])
  const options = { resolver: dnsOf(resolver) }
  try {
    const { arc: chain } = await dkimVerify(message, options)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its types forget that one is the other
    const { status } = await arc(chain as Parameters<typeof arc>[0], options)
    const { result, comment } = status
    const known = result === 'none' || result === 'pass' ? result : 'fail'
    return { status: known, why: comment === undefined ? undefined : String(comment) }
  } catch (error) {
    return { status: 'fail', why: error instanceof Error ? error.message : String(error) }
  }
}

export interface Seal {
  /** In ASCII. */
  readonly domain: string
  readonly selector: string
  readonly key: KeyObject
  readonly cv: ArcStatus
  /** What the message was found to be, without the name of who says so. */
  readonly results: string
  readonly authority: string
  readonly nowMs: number
}

/** The three fields of a new set, each with its line end. */
export async function sealArc(message: Buffer, seal: Seal): Promise<Buffer> {
  const { sealMessage } = await import('mailauth/lib/arc/index.js')
  // Not in the call: its types forget authResults and cv.
  const options = {
    signingDomain: seal.domain,
    selector: seal.selector,
    privateKey: String(seal.key.export({ type: 'pkcs8', format: 'pem' })),
    authResults: `${seal.authority}; ${seal.results}`,
    cv: seal.cv,
    signTime: new Date(seal.nowMs),
  }
  return sealMessage(message, options)
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

type Dns = (name: string, type: string) => Promise<string[]>

function dnsOf(resolver: Resolver): Dns {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its types forget records of MX
  return (name, type) => recordsOf(resolver, name, type) as Promise<string[]>
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
