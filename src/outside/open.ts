// The real outside of a server.
import { closedOutside } from './closed.ts'
import type { Outside } from './outside.ts'
import { makeResolver } from './resolver.ts'

export interface OutsideOptions {
  /** Addresses, maybe with a port. */
  readonly dnsServers: readonly string[]
}

export function openOutside({ dnsServers }: OutsideOptions): Outside {
  return closedOutside({ resolver: makeResolver({ servers: dnsServers, nowMs: Date.now }) })
}
