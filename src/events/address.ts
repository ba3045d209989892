// The addresses of a host, by c-ares: getaddrinfo would wait in libuv's few threads, behind which the
// spool's fdatasync would wait too.
import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'

export type ResolveHost = (host: string) => Promise<readonly string[]>

/** IPv4 first. Rejects when there are none. */
export function systemResolve(): ResolveHost {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  return async (host) => {
    const bare = host.replace(/^\[(.*)\]$/, '$1')
    if (isIP(bare)) return [bare]
    if (bare.toLowerCase() === 'localhost') return ['127.0.0.1', '::1']
    const answers = await Promise.allSettled([resolver.resolve4(bare), resolver.resolve6(bare)])
    const addresses = answers.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
    if (addresses.length > 0) return addresses
    const failed = answers.find((each) => each.status === 'rejected')
    throw new Error(`${host} has no address${failed ? `: ${String(failed.reason)}` : ''}`)
  }
}
