// `params` of core_get_outbound_tls_parameters: how TLS is spoken to the next hop of one message (Momentum:
// "lua.ref.msys.tls_params.set", "structs-ec-ssl-ctx-params"). It begins as configured.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { areCiphers, tlsRules } from '../config/tlsrules.ts'
import { LuaCallError } from '../lua/error.ts'
import type { LuaValue } from '../lua/value.ts'
import { declare, declareField } from './declaration.ts'
import { type ApiObject, assertAlive } from './handle.ts'
import { object, string } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import type { ClassShape } from './shape.ts'

export interface TlsParams extends ApiObject {
  readonly kind: 'tls_params'
  /** `no`, `ifavailable`, `required`. */
  useTls: number
  /** `no`, `ca`, `host`, `optional`. */
  verify: number
  /** What policy has set, by name. */
  readonly texts: Map<string, string>
  /** PEM, of those that are paths of files. */
  readonly files: Map<string, Buffer>
}

const FILES = ['certfile', 'keyfile', 'ca']
const NAMES = [...FILES, 'cipherlist', 'protocols']
const NAME = 'msys.tls_params.set'

export const TLS_PARAMS_FUNCTIONS = [
  declare<undefined>()(
    NAME,
    [object<TlsParams>('params', 'tls_params'), string('name'), string('value')],
    {
      result: 'nil',
      tier: 2,
      stages: ['delivery'],
      doc: 'sets what a connection is secured with: `certfile`, `keyfile`, `ca` (paths of PEM files), `cipherlist`',
      differs:
        'files are read at once, below file_roots; what is not set stays as it is configured; `protocols` (as tls_protocols) is ours; not for inbound connections',
    },
    (_, [params, name, value], runtime) => {
      assertAlive(params)
      const file = FILES.includes(name) ? readPem(name, value, runtime) : undefined
      if (file) params.files.set(name, file)
      else assertRule(name, value)
      params.texts.set(name, value)
    },
  ),
]

/** Raises unless it is something that OpenSSL takes. */
function assertRule(name: string, value: string): void {
  const isGood =
    name === 'cipherlist'
      ? areCiphers(value)
      : name === 'protocols' && tlsRules({ protocols: value }) !== undefined
  if (isGood) return
  if (NAMES.includes(name))
    throw new LuaCallError(`${NAME}: ${name}: OpenSSL does not take "${value}"`)
  throw new LuaCallError(`${NAME}: there is no parameter "${name}" (known: ${NAMES.join(', ')})`)
}

function readPem(name: string, path: string, { readFile }: Runtime): Buffer {
  const read = readFile(path)
  if (read.kind === 'failed') throw new LuaCallError(`${NAME}: ${name}: ${path}: ${read.text}`)
  try {
    if (name === 'keyfile') createPrivateKey(read.source)
    else new X509Certificate(read.source)
  } catch {
    // OpenSSL's words tell people nothing, and may tell of the key.
    throw new LuaCallError(`${NAME}: ${name}: no PEM that OpenSSL takes: ${path}`)
  }
  return read.source
}

const field = declareField<TlsParams>()
const choice = (name: string, most: number, value: LuaValue): number => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) {
    return value
  }
  throw new LuaCallError(`params.${name}: expected a whole number from 0 to ${most}`)
}

export const TLS_PARAMS: ClassShape<TlsParams> = {
  kind: 'tls_params',
  className: 'msys.core:_ec_ssl_ctx_params',
  prefix: 'params',
  methods: [],
  fields: [
    field(
      'params.use_tls',
      { result: 'number', tier: 2, doc: '0 no, 1 ifavailable, 2 required; may be set' },
      ({ useTls }) => useTls,
      (params, value) => {
        params.useTls = choice('use_tls', 2, value)
      },
    ),
    field(
      'params.tls_verify',
      { result: 'number', tier: 2, doc: '0 no, 1 ca, 2 host, 3 optional; may be set' },
      ({ verify }) => verify,
      (params, value) => {
        params.verify = choice('tls_verify', 3, value)
      },
    ),
    ...NAMES.map((name) =>
      field(
        `params.${name}`,
        { result: 'string | nil', tier: 2, doc: 'what msys.tls_params.set has set' },
        ({ texts }) => texts.get(name),
      ),
    ),
  ],
}
