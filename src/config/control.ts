// Where the console and the page listen. Without a control_listener there is a socket beside the spool; what is
// on a TCP port is for loopback, and needs a token.
import { join } from 'node:path'
import { quote } from './error.ts'
import { type HostPort, readListen } from './nexthop.ts'
import { isLoopback } from './reception.ts'
import { CONTROL_TOKEN } from './schema/modules.ts'
import type { Warn } from './schema/option.ts'
import { stanzasOf, valueOf, type Stanza } from './stanza.ts'

export interface ControlOptions {
  /** Paths of the sockets that the console listens on. */
  readonly paths: readonly string[]
  /** Where the page is shown. */
  readonly pages: readonly HostPort[]
  /** Undefined: one is made at start. */
  readonly token: string | undefined
}

const PAGE_PORT = 8025

export function controlOf(root: Stanza, spoolbase: string, warn: Warn): ControlOptions {
  const listeners = stanzasOf(root, 'control_listener')
  const listens = listeners.flatMap((listener) => stanzasOf(listener, 'listen'))
  const paths = listens.filter(isPath).map(({ instance }) => instance)
  const pages = listens.flatMap((listen) => {
    if (isPath(listen)) return []
    const { instance, place } = listen
    const address = readListen(instance, PAGE_PORT)
    if (address && isLoopback(address.host)) return [address]
    const expected = 'expected a path, or an address of loopback for the page'
    warn(place, `a console on ${quote(instance)} is not supported: ignored; ${expected}`)
    return []
  })
  return {
    // A page alone would leave `eachrcpt ctl` without a way in.
    paths: paths.length > 0 ? paths : [join(spoolbase, 'control')],
    pages,
    token: valueOf(CONTROL_TOKEN, listeners.toReversed()),
  }
}

function isPath({ instance }: Stanza): boolean {
  return instance.startsWith('/')
}
