// Who a request is from: the peer of the socket, or, if that is a proxy that the configuration lists, who
// it says it speaks for. X-Forwarded-For is read from its end, as every proxy adds the one before it: the
// nearest that is no proxy of ours is the client, whatever stands further left is its own claim.
import { isIP } from 'node:net'

export interface Forwarding {
  /** Of the socket. */
  readonly peer: string
  readonly forwardedFor: string | undefined
  /** X-Real-IP, asked where there is no X-Forwarded-For. */
  readonly realIp: string | undefined
  isTrusted(address: string): boolean
}

/** An address without port, zone and `::ffff:`; `''` if the socket is gone. */
export function clientAddress({ peer, forwardedFor, realIp, isTrusted }: Forwarding): string {
  let client = bareAddress(peer) ?? ''
  const hops = (forwardedFor ?? realIp ?? '').split(',')
  while (hops.length > 0 && isTrusted(client)) {
    const next = bareAddress(hops.pop() ?? '')
    if (next === undefined) break
    client = next
  }
  return client
}

/** Undefined for what is no address: `unknown`, a name, garbage. */
function bareAddress(text: string): string | undefined {
  const bare = text
    .trim()
    .replace(/^\[([^\]]*)\](?::\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/i, '')
    .replace(/%.*$/s, '')
  return isIP(bare) ? bare : undefined
}
