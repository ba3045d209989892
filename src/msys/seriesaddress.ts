// Addresses and blocks as policy names them: an accept construct, a socket address, text, or nothing, which is
// the client. "/24" is the block of the client. And the numbers beside them.
import { type Cidr, type IpAddress, readAddress, readCidr } from '../config/cidr.ts'
import { LuaCallError } from '../lua/error.ts'
import type { LuaTable, LuaValue } from '../lua/value.ts'
import type { Accept } from './handle.ts'
import { asObject, number } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import type { SocketAddress } from './sockaddr.ts'

/** Raises, as `name`, for what is no address. */
export function addressOf(name: string, value: LuaValue, runtime: Runtime): IpAddress {
  const text = textOf(name, value, runtime)
  return readAddress(text) ?? refuse(name, text, 'address')
}

/** A block, or a single address as one. */
export function blockOf(name: string, value: LuaValue, runtime: Runtime): Cidr {
  const isMask = typeof value === 'string' && value.startsWith('/')
  const text = isMask ? `${clientOf(name, runtime)}${value}` : textOf(name, value, runtime)
  return readCidr(text) ?? refuse(name, text, 'address or block of addresses')
}

/** A number among the options of a call. */
export function numberOption(
  name: string,
  options: LuaTable | undefined,
  key: string,
  otherwise: number,
): number {
  const value = number(key).read(options?.get(key) ?? otherwise)
  if (value !== undefined && Number.isFinite(value)) return value
  throw new LuaCallError(`${name}: bad option (number expected): ${key}`)
}

function textOf(name: string, value: LuaValue, runtime: Runtime): string {
  if (value === undefined) return clientOf(name, runtime)
  if (typeof value === 'string') return value
  const ac = asObject<Accept>(value, 'ac')
  if (ac) return ac.remoteAddress
  const socket = asObject<SocketAddress>(value, 'sockaddr')
  if (socket) return socket.address
  throw new LuaCallError(`${name}: an address or an accept construct is expected`)
}

function clientOf(name: string, { callSite }: Runtime): string {
  const ac = callSite()?.subject?.ac
  if (ac) return ac.remoteAddress
  throw new LuaCallError(`${name}: there is no session here, and no address was given`)
}

function refuse(name: string, text: string, what: string): never {
  throw new LuaCallError(`${name}: '${text}' is no ${what}`)
}
