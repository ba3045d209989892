// `ac`, the accept construct: the connection as policy sees it.
// Momentum: "structs-accept-construct", "lua.ref.ac_esmtp_capability_add", "lua.ref.ac_inbound_session_count".
import { LuaCallError } from '../lua/error.ts'
import { lowerCase } from '../mail/bytes.ts'
import { countSessions } from './census.ts'
import { PROTOCOL_ESMTP } from './constants.ts'
import { declare, declareField } from './declaration.ts'
import type { Accept } from './handle.ts'
import { optional, string } from './parameter.ts'
import type { ClassShape } from './shape.ts'
import type { SocketAddress } from './sockaddr.ts'
import { HELLO_STAGES } from './stage.ts'

const method = declare<Accept>()
const field = declareField<Accept>()

export const ACCEPT: ClassShape<Accept> = {
  kind: 'ac',
  className: 'msys.core:_accept_construct',
  prefix: 'ac',
  methods: [
    method(
      'ac:esmtp_capability_add',
      [string('name')],
      {
        result: 'nil',
        tier: 1,
        stages: HELLO_STAGES,
        doc: 'adds a line to the reply to EHLO; what it promises is not enforced',
      },
      ({ capabilities }, [line]) => {
        const [, keyword] = /^([\w-]+)(?: [ -~]+)?$/.exec(line) ?? []
        if (keyword === undefined) {
          throw new LuaCallError(
            'ac:esmtp_capability_add: bad argument #1 (not a keyword with parameters): name',
          )
        }
        capabilities.removed.delete(keyword.toUpperCase())
        if (!capabilities.added.includes(line)) capabilities.added.push(line)
      },
    ),
    method(
      'ac:esmtp_capability_remove',
      [string('name')],
      {
        result: 'nil',
        tier: 2,
        stages: HELLO_STAGES,
        doc: 'takes the line with that keyword from the reply to EHLO',
      },
      ({ capabilities }, [name]) => {
        capabilities.removed.add(keywordOf(name))
        const kept = capabilities.added.filter((line) => keywordOf(line) !== keywordOf(name))
        capabilities.added.splice(0, Infinity, ...kept)
      },
    ),
    method(
      'ac:inbound_session_count',
      [optional(string('cidr')), optional(string('service_type'), 'SMTP')],
      {
        result: 'number',
        tier: 2,
        doc: 'live sessions on this listener from the client, from a part of its address such as "/24", or from a block',
      },
      (ac, [cidr, service]) => countSessions('ac:inbound_session_count', ac, service, cidr),
    ),
    method(
      'ac:pbp_inbound_session_count_service',
      [string('service'), optional(string('cidr'))],
      { result: 'number', tier: 2, doc: 'the same; "/0" counts all' },
      (ac, [service, cidr]) =>
        countSessions('ac:pbp_inbound_session_count_service', ac, service, cidr),
    ),
  ],
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

export function remoteOf({ remoteAddress, remotePort }: Accept): SocketAddress {
  return { kind: 'sockaddr', address: remoteAddress, port: remotePort }
}

function localOf({ localAddress, localPort }: Accept): SocketAddress {
  return { kind: 'sockaddr', address: localAddress, port: localPort }
}

function keywordOf(line: string): string {
  return lowerCase(line.split(' ', 1)[0] ?? '').toUpperCase()
}
