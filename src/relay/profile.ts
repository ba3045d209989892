// How a next hop is spoken to: what is the same for all messages that may share a connection.
import { isIP } from 'node:net'
import type { OutboundOptions } from '../config/config.ts'
import { splitAddress } from '../mail/address.ts'

export interface Profile {
  readonly ehloHostname: string
  /** Ours; undefined: any. */
  readonly bindAddress: string | undefined
}

export function profileOf(outbound: OutboundOptions, mailfrom: string): Profile {
  const { bindAddress, greetsAsSender } = outbound
  const sender = greetsAsSender ? splitAddress(mailfrom).domain : ''
  return { ehloHostname: sender || outbound.ehloHostname, bindAddress }
}

/** Equal for profiles whose messages may share a connection. */
export function profileKey({ ehloHostname, bindAddress = '' }: Profile): string {
  return `${ehloHostname} ${bindAddress}`
}

/** Whether our address can speak to the other one. */
export function canReach({ bindAddress }: Profile, address: string): boolean {
  return bindAddress === undefined || isIP(bindAddress) === isIP(address)
}
