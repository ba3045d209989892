// `ac`, the accept construct, and the addresses it shows. Read only. Momentum: "structs-accept-construct".
import { declareField } from './declaration.ts'
import type { Accept, ApiObject } from './handle.ts'
import { PROTOCOL_ESMTP } from './constants.ts'
import type { ClassShape } from './shape.ts'

export interface SocketAddress extends ApiObject {
  readonly kind: 'sockaddr'
  readonly address: string
  readonly port: number
}

const field = declareField<Accept>()

export const ACCEPT: ClassShape<Accept> = {
  kind: 'ac',
  className: 'msys.core:_accept_construct',
  prefix: 'ac',
  methods: [],
  fields: [
    field(
      'ac.remote_addr',
      { result: 'sockaddr', tier: 1, doc: 'the client; as text `1.2.3.4:25`' },
      (ac, { wrap }) => wrap(remoteOf(ac)),
    ),
    field(
      'ac.protocol',
      { result: 'number', tier: 1, doc: 'msys.core.P_ESMTP' },
      () => PROTOCOL_ESMTP,
    ),
    field(
      'ac.conn_id',
      { result: 'string', tier: 1, doc: 'the id of the connection' },
      (ac) => ac.connectionId,
    ),
    field(
      'ac.inst',
      { result: '{ address: sockaddr }', tier: 1, doc: 'the listener that took the connection' },
      (ac, { wrap }) => new Map([['address', wrap(localOf(ac))]]),
    ),
  ],
}

export const SOCKET_ADDRESS: ClassShape<SocketAddress> = {
  kind: 'sockaddr',
  className: 'msys.core:_sockaddr',
  prefix: 'sockaddr',
  methods: [],
  fields: [],
  text: socketAddressText,
}

/** `1.2.3.4:25`; an IPv6 address and its port are joined by a dot. */
export function socketAddressText({ address, port }: SocketAddress): string {
  return address.includes(':') ? `${address}.${port}` : `${address}:${port}`
}

function remoteOf({ remoteAddress, remotePort }: Accept): SocketAddress {
  return { kind: 'sockaddr', address: remoteAddress, port: remotePort }
}

function localOf({ localAddress, localPort }: Accept): SocketAddress {
  return { kind: 'sockaddr', address: localAddress, port: localPort }
}
