// What policy's delivery hooks are given as `dr`: what is known of a domain since the first attempt there that
// a hook could see (C structure "domain_record"; fields that are addresses in Momentum's memory are left out).
import type { Attempt } from './relay/attempt.ts'
import { STAGES } from './relay/outcome.ts'

export interface DomainRecords {
  /** Counts an attempt. */
  note(domain: string, kind: 'delivered' | 'deferred' | 'failed', attempt: Attempt): void
  /** As the fields of `dr`; times in seconds since 1970, 0 for never. */
  of(domain: string): ReadonlyMap<string, string | number>
}

interface DomainRecord {
  deliveries: number
  attempts: number
  transients: number
  failures: number
  lastDeliverySeconds: number
  dnsFailures: number
}

/** Of more, those are forgotten that nothing was tried for the longest time. */
const MAX_DOMAINS = 10_000

export function makeDomainRecords(now: () => number): DomainRecords {
  const records = new Map<string, DomainRecord>()
  const recordOf = (domain: string): DomainRecord => {
    const record = records.get(domain) ?? {
      deliveries: 0,
      attempts: 0,
      transients: 0,
      failures: 0,
      lastDeliverySeconds: 0,
      dnsFailures: 0,
    }
    records.delete(domain)
    records.set(domain, record)
    for (const oldest of records.keys()) {
      if (records.size <= MAX_DOMAINS) break
      records.delete(oldest)
    }
    return record
  }
  return {
    note(domain, kind, attempt) {
      const record = recordOf(domain)
      record.attempts++
      if (kind === 'delivered') {
        record.deliveries++
        record.lastDeliverySeconds = now() / 1000
      } else if (kind === 'deferred') record.transients++
      else record.failures++
      record.dnsFailures = isOfDns(attempt) ? record.dnsFailures + 1 : 0
    },
    of(domain) {
      const record = records.get(domain)
      return new Map<string, string | number>([
        ['domain', domain],
        ['deliveries', record?.deliveries ?? 0],
        ['attempts', record?.attempts ?? 0],
        ['transients', record?.transients ?? 0],
        ['failures', record?.failures ?? 0],
        ['last_delivery', record?.lastDeliverySeconds ?? 0],
        ['dns_failures', record?.dnsFailures ?? 0],
      ])
    },
  }
}

function isOfDns({ stage, remoteAddress, text }: Attempt): boolean {
  return (
    stage === STAGES.notConnected &&
    remoteAddress === '' &&
    /\[internal\] (?:Domain Lookup Failed|no MX|NULL MX)/.test(text)
  )
}
