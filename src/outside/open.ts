// The real outside of a server.
import type { Cidr } from '../config/cidr.ts'
import { allowFiles } from '../lua/files.ts'
import { closedOutside } from './closed.ts'
import { localFiles } from './files.ts'
import { makeHttpClient } from './http.ts'
import type { Outside } from './outside.ts'
import { makeResolver } from './resolver.ts'

export interface OutsideOptions {
  /** Addresses, maybe with a port. */
  readonly dnsServers: readonly string[]
  /** Addresses that are not public and may be reached by HTTP all the same. */
  readonly httpAllow: readonly Cidr[]
  readonly files: {
    /** Folders that policy may read and write in. */
    readonly fileRoots: readonly string[]
    /** Paths as policy has them, and where they are. */
    readonly pathMap: ReadonlyMap<string, string>
  }
}

export function openOutside({ dnsServers, httpAllow, files }: OutsideOptions): Outside {
  const resolver = makeResolver({ servers: dnsServers, nowMs: Date.now })
  return closedOutside({
    resolver,
    http: makeHttpClient({ resolver, allowed: httpAllow }),
    files: localFiles(allowFiles(files.fileRoots, files.pathMap)),
  })
}
