// The real outside of a server.
import type { Cidr } from '../config/cidr.ts'
import type { Target } from '../config/nexthop.ts'
import { allowFiles } from '../lua/files.ts'
import { closedOutside } from './closed.ts'
import { localFiles } from './files.ts'
import { makeHttpClient } from './http.ts'
import type { Outside } from './outside.ts'
import { spamdScanner } from './spamd.ts'
import { openDatabases } from './sql/databases.ts'
import { makeResolver } from './resolver.ts'

export interface OutsideOptions {
  /** Addresses, maybe with a port. */
  readonly dnsServers: readonly string[]
  /** Addresses that are not public and may be reached by HTTP all the same. */
  readonly httpAllow: readonly Cidr[]
  /** Undefined: there is no daemon. */
  readonly spamassassin:
    | { readonly daemon: Target; readonly timeoutSeconds: number; readonly maxBytes: number }
    | undefined
  readonly files: {
    /** Folders that policy may read and write in. */
    readonly fileRoots: readonly string[]
    /** Paths as policy has them, and where they are. */
    readonly pathMap: ReadonlyMap<string, string>
  }
}

export function openOutside({
  dnsServers,
  httpAllow,
  spamassassin,
  files,
}: OutsideOptions): Outside {
  const resolver = makeResolver({ servers: dnsServers, nowMs: () => performance.now() })
  const store = localFiles(allowFiles(files.fileRoots, files.pathMap))
  return closedOutside({
    resolver,
    http: makeHttpClient({ resolver, allowed: httpAllow }),
    ...(spamassassin && {
      spam: {
        maxBytes: spamassassin.maxBytes,
        scanner: spamdScanner({
          daemon: spamassassin.daemon,
          timeoutMs: spamassassin.timeoutSeconds * 1000,
          resolver,
        }),
      },
    }),
    databases: openDatabases(store),
    files: store,
  })
}
