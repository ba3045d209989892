// What has become of the copies of each domain since the start, by the binding that they went by: for the console,
// and for policy's delivery hooks (C structure "domain_record").
import { DEFAULT_EGRESS } from '../mail/envelope.ts'
import type { Attempt } from '../relay/attempt.ts'
import { STAGES } from '../relay/outcome.ts'
import type { Way } from '../spool/stored.ts'

export interface DomainRecords {
  /** Counts an attempt. */
  note(kind: 'delivered' | 'deferred' | 'failed', attempt: Attempt): void
  /** Of all bindings together; all 0 for a domain of which nothing is remembered. */
  of(domain: string): DomainRecord
  /** Of each way, in no order. */
  all(): readonly WayRecord[]
}

interface Outcomes {
  deliveries: number
  attempts: number
  transients: number
  failures: number
  /** Epoch ms; 0: never. */
  lastDeliveryMs: number
}

export interface WayRecord extends Readonly<Outcomes> {
  readonly domain: string
  readonly group: string
  readonly binding: string
}

export interface DomainRecord extends Readonly<Outcomes> {
  /** The last attempts that failed because of DNS. */
  readonly dnsFailures: number
}

interface Domain {
  dnsFailures: number
  readonly ways: WritableWay[]
}

type WritableWay = Outcomes & WayRecord

interface Found {
  readonly domain: Domain
  readonly way: WritableWay
}

/** Of more, those are forgotten that nothing was tried for the longest time: twice as many at most are kept. */
const MAX_DOMAINS = 10_000
const MAX_WAYS = 4 * MAX_DOMAINS

export function makeDomainRecords(now: () => number): DomainRecords {
  /** Domains of the last attempts, and of those before. */
  let recent = new Map<string, Domain>()
  let earlier = new Map<string, Domain>()
  /** The spool keeps equal ways once: each attempt is looked up here and nowhere else. */
  let found = new Map<Way, Found>()

  function find(way: Way): Found {
    const { routingDomain: name, egress: { group, binding } = DEFAULT_EGRESS } = way
    if (found.size >= MAX_WAYS) found = new Map()
    if (recent.size >= MAX_DOMAINS && !recent.has(name)) {
      earlier = recent
      recent = new Map()
      found = new Map()
    }
    const domain = recent.get(name) ?? earlier.get(name) ?? { dnsFailures: 0, ways: [] }
    earlier.delete(name)
    recent.set(name, domain)
    const isSame = (each: WayRecord): boolean => each.binding === binding && each.group === group
    let record = domain.ways.find(isSame)
    if (!record) domain.ways.push((record = { domain: name, group, binding, ...NOTHING }))
    const both = { domain, way: record }
    found.set(way, both)
    return both
  }

  return {
    note(kind, attempt) {
      const way = attempt.stored.ways[attempt.copyIndex]
      if (!way) return
      const { domain, way: record } = found.get(way) ?? find(way)
      record.attempts++
      if (kind === 'delivered') {
        record.deliveries++
        record.lastDeliveryMs = now()
      } else if (kind === 'deferred') record.transients++
      else record.failures++
      domain.dnsFailures = isOfDns(attempt) ? domain.dnsFailures + 1 : 0
    },
    of(name) {
      const domain = recent.get(name) ?? earlier.get(name)
      const ways = domain?.ways ?? []
      return { dnsFailures: domain?.dnsFailures ?? 0, ...outcomesOf(ways) }
    },
    all: () => [...recent.values(), ...earlier.values()].flatMap(({ ways }) => ways),
  }
}

const NOTHING: Readonly<Outcomes> = {
  deliveries: 0,
  attempts: 0,
  transients: 0,
  failures: 0,
  lastDeliveryMs: 0,
}

/** Of several together. */
export function outcomesOf(all: readonly Readonly<Outcomes>[]): Readonly<Outcomes> {
  return all.reduce(
    (sum, each) => ({
      deliveries: sum.deliveries + each.deliveries,
      attempts: sum.attempts + each.attempts,
      transients: sum.transients + each.transients,
      failures: sum.failures + each.failures,
      lastDeliveryMs: Math.max(sum.lastDeliveryMs, each.lastDeliveryMs),
    }),
    NOTHING,
  )
}

function isOfDns({ stage, remoteAddress, text }: Attempt): boolean {
  return (
    stage === STAGES.notConnected &&
    remoteAddress === '' &&
    /\[internal\] (?:Domain Lookup Failed|no MX|NULL MX)/.test(text)
  )
}
