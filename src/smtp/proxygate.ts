// Keeps a session from starting until the header of its proxy is whole.
import type { Peer } from './conversation.ts'
import { readProxyHeader } from './proxyheader.ts'

export interface ProxyGate {
  /** The octets behind the header, once it is whole. */
  take(chunk: Buffer): Buffer | undefined
  close(): void
}

/** `fail`: the header is bad or late. `begin`: it is whole; undefined: it names no client. */
export function openProxyGate(
  timeoutMs: number,
  begin: (peer: Peer | undefined) => void,
  fail: () => void,
): ProxyGate {
  const timer = setTimeout(fail, timeoutMs)
  let octets = Buffer.alloc(0)
  return {
    take(chunk) {
      octets = Buffer.concat([octets, chunk])
      const header = readProxyHeader(octets)
      if (header.kind === 'incomplete') return undefined
      clearTimeout(timer)
      if (header.kind === 'bad') {
        fail()
        return undefined
      }
      begin(header.peer)
      return octets.subarray(header.length)
    },
    close: () => clearTimeout(timer),
  }
}
