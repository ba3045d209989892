// The real outside of a server.
import { allowFiles } from '../lua/files.ts'
import { closedOutside } from './closed.ts'
import { localFiles } from './files.ts'
import type { Outside } from './outside.ts'
import { makeResolver } from './resolver.ts'

export interface OutsideOptions {
  /** Addresses, maybe with a port. */
  readonly dnsServers: readonly string[]
  readonly files: {
    /** Folders that policy may read and write in. */
    readonly fileRoots: readonly string[]
    /** Paths as policy has them, and where they are. */
    readonly pathMap: ReadonlyMap<string, string>
  }
}

export function openOutside({ dnsServers, files }: OutsideOptions): Outside {
  return closedOutside({
    resolver: makeResolver({ servers: dnsServers, nowMs: Date.now }),
    files: localFiles(allowFiles(files.fileRoots, files.pathMap)),
  })
}
