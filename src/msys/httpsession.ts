// `msys.httpsrv` and the session that its handlers get (Momentum: "lua.ref.msys.httpsrv.register",
// "lua.ref.session_request_url_get", "lua.ref.session_response_status_set_std").
import { LuaCallError } from '../lua/error.ts'
import { declare } from './declaration.ts'
import type { Dict } from './dict.ts'
import type { ApiObject } from './handle.ts'
import { func, number, optional, string } from './parameter.ts'
import type { ClassShape } from './shape.ts'
import { LOAD_STAGE } from './stage.ts'

/** Byte strings. */
export interface HttpRequestFacts {
  readonly method: string
  /** Path and query, as they came. */
  readonly url: string
  readonly path: string
  /** Without `?`. */
  readonly query: string
  readonly host: string
  readonly port: number
  /** Of the query, decoded; the last of a name. */
  readonly attributes: ReadonlyMap<string, string>
}

export interface HttpSession extends ApiObject {
  readonly kind: 'http_session'
  readonly request: HttpRequestFacts
  reply:
    { readonly status: number; readonly body: string; readonly contentType: string } | undefined
}

const fn = declare<undefined>()
const method = declare<HttpSession>()

export const HTTPSRV_CONSTANTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'msys.httpsrv': { DONE: 1 },
}

export const HTTPSRV_FUNCTIONS = [
  fn(
    'msys.httpsrv.register',
    [optional(string('method')), string('path'), func('handler')],
    {
      result: 'nil',
      tier: 2,
      stages: LOAD_STAGE,
      doc: 'an endpoint on every http_listener, and what is below it; without a method for all of them. The handler gets the session',
      differs: 'paths of this server itself, such as those of tracking links and health, go before',
    },
    (_, [verb, path, handler], { registerEndpoint }) => {
      if (!path.startsWith('/')) {
        throw new LuaCallError('msys.httpsrv.register: bad argument #2 (it begins with /): path')
      }
      registerEndpoint(verb?.toUpperCase(), path, handler)
    },
  ),
]

export const HTTP_SESSION: ClassShape<HttpSession> = {
  kind: 'http_session',
  className: 'msys.httpsrv:session',
  prefix: 'session',
  methods: [
    method(
      'session:request_url_get',
      [],
      {
        result: 'table',
        tier: 2,
        doc: 'what was asked for: `url`, `path`, `query`, `host`, `port`, `method`, and `attrs`, a dictionary of the query, nil without one',
      },
      ({ request }, _, { newTable, wrap }) => {
        const { url, path, query, host, port, attributes } = request
        const details = newTable()
        const facts = { url, path, query, host, port, method: request.method }
        for (const [key, value] of Object.entries(facts)) details.set(key, value)
        if (query !== '') {
          details.set('attrs', wrap({ kind: 'dict', entries: new Map(attributes) } satisfies Dict))
        }
        return details
      },
    ),
    method(
      'session:response_status_set_std',
      [number('code'), string('body'), optional(string('mimetype'), 'text/plain')],
      { result: 'nil', tier: 2, doc: 'answers; the last call counts' },
      (self, [code, body, contentType]) => {
        if (!(Number.isInteger(code) && code >= 200 && code <= 599)) {
          throw new LuaCallError(
            'session:response_status_set_std: bad argument #1 (200 to 599 expected): code',
          )
        }
        if (/[^\t -~]/.test(contentType)) {
          throw new LuaCallError('session:response_status_set_std: bad argument #3: mimetype')
        }
        self.reply = { status: code, body, contentType }
      },
    ),
  ],
  fields: [],
}
