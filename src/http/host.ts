// Whether a request names this machine by an address, or as localhost. A page on the web that makes a browser
// ask a listener on loopback (DNS rebinding) can only do so by a name of its own.
import { isIP } from 'node:net'

/** `host`: the value of the Host header. */
export function isOwnHost(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase()
  return name === 'localhost' || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
}
