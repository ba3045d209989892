// What comes in, for the monitors of inbound_audit: connections as they begin, receptions and rejections as they
// are logged, whether a log is written or not.
import type { Config } from './config/config.ts'
import type { Journal } from './events/journal.ts'
import { makeMonitors } from './msys/monitors.ts'
import type { SharedState } from './msys/shared/state.ts'

export interface InboundAudit {
  connected(address: string): void
  /** The same journal, and what goes through it is counted. */
  watch(journal: Journal): Journal
}

export function makeInboundAudit(
  { inboundAudit, redis }: Pick<Config, 'inboundAudit' | 'redis'>,
  shared: SharedState,
  now: () => number,
): InboundAudit {
  const reaches = redis ? (['node', 'cluster'] as const) : (['node'] as const)
  const count = makeMonitors(shared, inboundAudit.monitors, reaches, now)
  return {
    connected: (address) => count('connections', address),
    watch: (journal) => ({
      ...journal,
      reception(line, ...facts) {
        count('receptions', line.peerAddress)
        journal.reception(line, ...facts)
      },
      rejection(line, ...facts) {
        // Its port comes after the last colon.
        count('rejections', line.remote.slice(0, line.remote.lastIndexOf(':')))
        journal.rejection(line, ...facts)
      },
    }),
  }
}
