// `ac`, the accept construct: the connection as policy sees it. Read only.
// Momentum: "structs-accept-construct".
import type { LuaUserdata, LuaValue } from '../lua/value.ts'
import { assertAlive, type Handle } from './handle.ts'
import { PROTOCOL_ESMTP } from './constants.ts'

export interface Accept extends Handle {
  readonly connectionId: string
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
}

export interface SocketAddress {
  readonly address: string
  readonly port: number
}

/** `1.2.3.4:25`; an IPv6 address and its port are joined by a dot. */
export function socketAddressText({ address, port }: SocketAddress): string {
  return address.includes(':') ? `${address}.${port}` : `${address}:${port}`
}

/** The fields of `ac`; `wrap` makes the userdata of a socket address. */
export function getAcceptField(
  ac: Accept,
  key: string,
  wrap: (address: SocketAddress) => LuaUserdata,
): LuaValue {
  assertAlive(ac, 'ac')
  if (key === 'conn_id') return ac.connectionId
  if (key === 'protocol') return PROTOCOL_ESMTP
  if (key === 'remote_addr') return wrap({ address: ac.remoteAddress, port: ac.remotePort })
  if (key === 'inst') {
    return new Map([['address', wrap({ address: ac.localAddress, port: ac.localPort })]])
  }
  return undefined
}
