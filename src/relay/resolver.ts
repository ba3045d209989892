// The DNS questions that the relay asks. c-ares, never getaddrinfo: that would wait in libuv's few
// threads, behind which the spool's fdatasync would wait too.
import { Resolver as CaresResolver } from 'node:dns/promises'

export interface MxRecord {
  readonly exchange: string
  readonly priority: number
}

/** Rejects with an error whose `code` is one of c-ares, as node:dns does. */
export interface Resolver {
  resolveMx(name: string): Promise<readonly MxRecord[]>
  resolve4(name: string): Promise<readonly string[]>
  resolve6(name: string): Promise<readonly string[]>
}

export type Answer<T> =
  | { readonly kind: 'found'; readonly records: readonly T[] }
  /** No such domain. */
  | { readonly kind: 'absent' }
  /** No record of this type. */
  | { readonly kind: 'empty' }
  /** No answer, or none that can be trusted. */
  | { readonly kind: 'unknown' }

/** `servers`: addresses, maybe with a port; those of the machine if there are none. */
export function systemResolver(servers: readonly string[] = []): Resolver {
  const resolver = new CaresResolver({ timeout: 5_000, tries: 3 })
  if (servers.length > 0) resolver.setServers(servers)
  return resolver
}

/** Total: every failure is an answer, and what is not understood is a temporary one. */
export async function ask<T>(question: () => Promise<readonly T[]>): Promise<Answer<T>> {
  try {
    const records = await question()
    return records.length ? { kind: 'found', records } : { kind: 'empty' }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOTFOUND' || code === 'EBADNAME') return { kind: 'absent' }
    return { kind: code === 'ENODATA' ? 'empty' : 'unknown' }
  }
}
