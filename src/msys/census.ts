// How many sessions are connected, as policy asks for it.
// Momentum manual page "lua.ref.ac_inbound_session_count".
import { type Cidr, readCidr } from '../config/cidr.ts'
import { LuaCallError } from '../lua/error.ts'
import type { Accept } from './handle.ts'

/** Services of Momentum that are not here: nobody is connected to them. */
const OTHER_SERVICES = ['ECStream', 'Control', 'ECmmove2', 'ECCluster', 'inbound_cidr']

/**
 * `cidr`: undefined for the client's address, `/24` for the block of it, `/0` for all sessions of all
 * listeners, or an address or block. Raises, as `name`, for a service or block that does not exist.
 */
export function countSessions(
  name: string,
  { census, remoteAddress }: Accept,
  service: string,
  cidr: string | undefined,
): number {
  if (OTHER_SERVICES.includes(service)) return 0
  if (service !== 'SMTP') {
    throw new LuaCallError(`${name}: there is no service '${service}' (they are case-sensitive)`)
  }
  if (cidr === undefined) return census.ofAddress(remoteAddress)
  if (cidr === '/0') return census.total()
  return census.within(readBlock(name, cidr, remoteAddress))
}

function readBlock(name: string, cidr: string, remoteAddress: string): Cidr {
  const text = cidr.startsWith('/')
    ? `${remoteAddress}${cidr}`
    : cidr.replace(/^localhost\b/, '127.0.0.1')
  const block = readCidr(text)
  if (!block) throw new LuaCallError(`${name}: '${cidr}' is no address or block of addresses`)
  return block
}
