// The address of a socket. Momentum: "structs-accept-construct".
import { isIPv6 } from 'node:net'
import { declare } from './declaration.ts'
import type { ApiObject } from './handle.ts'
import { CORE_CONSTANTS } from './constants.ts'
import { object } from './parameter.ts'
import type { ClassShape } from './shape.ts'

export interface SocketAddress extends ApiObject {
  readonly kind: 'sockaddr'
  readonly address: string
  readonly port: number
}

export const SOCKET_ADDRESS: ClassShape<SocketAddress> = {
  kind: 'sockaddr',
  className: 'msys.core:_sockaddr',
  prefix: 'sockaddr',
  methods: [],
  fields: [],
  text: socketAddressText,
}

const fn = declare<undefined>()

export const SOCKET_ADDRESS_FUNCTIONS = [
  fn(
    'msys.core.ec_sockaddr_family',
    [object<SocketAddress>('address', 'sockaddr')],
    { result: 'number', tier: 2, doc: 'AF_INET or AF_INET6' },
    (_, [{ address }]) => CORE_CONSTANTS[isIPv6(address) ? 'AF_INET6' : 'AF_INET'],
  ),
]

/** `1.2.3.4:25`; an IPv6 address and its port are joined by a dot. */
export function socketAddressText({ address, port }: SocketAddress): string {
  return address.includes(':') ? `${address}.${port}` : `${address}:${port}`
}
