// msys.http.client (Momentum: "lua.ref.msys.http.client.new" and the pages of its methods). A request
// suspends the callout; a callout that is killed gives its request up.
import { later } from '../lua/binding.ts'
import { longestString } from '../lua/budget.ts'
import { abortSignal } from '../lua/call.ts'
import { LuaCallError } from '../lua/error.ts'
import { type LuaTable, multiple } from '../lua/value.ts'
import type { HttpAnswer } from '../outside/outside.ts'
import { declare } from './declaration.ts'
import type { ApiObject } from './handle.ts'
import { number, optional, string, table } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import type { ClassShape } from './shape.ts'
import { runningCall } from './waiting.ts'

interface Client extends ApiObject {
  readonly kind: 'http_client'
  headerLines: readonly string[]
  timeoutMs: number
  answer: Extract<HttpAnswer, { kind: 'answered' }> | undefined
}

const fn = declare<undefined>()
const method = declare<Client>()

export const DEFAULT_TIMEOUT_MS = 30_000
/** Octets of an answer. */
export const MAX_ANSWER = 16 * 1024 ** 2

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH']
const GUARD = 'only public addresses, and what `http_allow` names; redirects are not followed'

export const HTTP_CLIENT_FUNCTIONS = [
  fn(
    'msys.http.client.new',
    [],
    { result: 'client', tier: 1, doc: 'an HTTP client' },
    (_, __, { wrap }) =>
      wrap({
        kind: 'http_client',
        headerLines: [],
        timeoutMs: DEFAULT_TIMEOUT_MS,
        answer: undefined,
      } satisfies Client),
  ),
]

export const HTTP_CLIENT: ClassShape<Client> = {
  kind: 'http_client',
  className: 'msys.http:client',
  prefix: 'client',
  methods: [
    method(
      'client:do_request',
      [string('method'), string('url'), optional(string('data'))],
      {
        result: 'boolean, error, number',
        tier: 1,
        doc: 'sends GET, POST, PUT or DELETE, also HEAD or PATCH; true when there is an answer, else false, a text and the number that libcurl has for it',
        differs: GUARD,
      },
      request,
    ),
    method(
      'client:request',
      [string('method'), string('url'), optional(string('data'))],
      { result: 'boolean, error, number', tier: 2, doc: 'as do_request', differs: GUARD },
      request,
    ),
    method(
      'client:set_header',
      [optional(string('line'))],
      { result: 'nil', tier: 1, doc: 'one more header line for requests; without it all go' },
      (self, [line]) => {
        self.headerLines = line === undefined ? [] : [...self.headerLines, line]
      },
    ),
    method(
      'client:set_timeout',
      [optional(number('seconds'))],
      { result: 'nil', tier: 1, doc: 'how long a request may take; 30 s without it' },
      (self, [seconds]) => {
        if (seconds !== undefined && !(seconds > 0)) {
          throw new LuaCallError('client:set_timeout: bad argument #1 (not above 0): seconds')
        }
        self.timeoutMs = seconds === undefined ? DEFAULT_TIMEOUT_MS : seconds * 1000
      },
    ),
    method(
      'client:get_status',
      [],
      { result: 'number, string | nil', tier: 1, doc: 'the status of the answer; nil without one' },
      ({ answer }) => answer && multiple(answer.status, answer.statusText),
    ),
    method(
      'client:get_body',
      [],
      { result: 'string | nil', tier: 1, doc: 'the body of the answer; nil without one' },
      ({ answer }) => answer?.body,
    ),
    method(
      'client:get_headers',
      [],
      { result: 'string[]', tier: 1, doc: 'the header lines of the answer' },
      ({ answer }) => answer?.headerLines ?? [],
    ),
    method(
      'client:parse_headers',
      [optional(table('lines'))],
      {
        result: 'table',
        tier: 1,
        doc: 'header lines by name, in any case of letters; those of the answer unless given',
      },
      ({ answer }, [lines], runtime) =>
        byName(lines ? linesOf(lines) : (answer?.headerLines ?? []), runtime),
    ),
  ],
  fields: [],
}

function request(
  self: Client,
  [name, url, body]: readonly [string, string, string | undefined],
  { outside }: Runtime,
) {
  const verb = name.toUpperCase()
  if (!METHODS.includes(verb)) {
    const known = METHODS.join(', ')
    throw new LuaCallError(`client:do_request: bad argument #1 (one of ${known} expected): method`)
  }
  const call = runningCall('client:do_request')
  const { headerLines, timeoutMs } = self
  const maxBytes = Math.min(MAX_ANSWER, longestString())
  return later(async () => {
    self.answer = undefined
    const sent = { method: verb, url, headerLines, timeoutMs, maxBytes }
    const answer = await outside.http.send(
      body === undefined ? sent : { ...sent, body },
      abortSignal(call),
    )
    if (answer.kind === 'refused') throw new LuaCallError(`client:do_request: ${answer.text}`)
    if (answer.kind === 'failed') return multiple(false, answer.text, answer.code)
    self.answer = answer
    return true
  })
}

function linesOf(lines: LuaTable): readonly string[] {
  const found: string[] = []
  for (let i = 1; i <= lines.length(); i++) {
    const line = lines.get(i)
    if (typeof line === 'string') found.push(line)
  }
  return found
}

/** Of several of one name the last; their names as they came. */
function byName(lines: readonly string[], { newTable, newFunction }: Runtime): LuaTable {
  const values = new Map<string, string>()
  const any = newFunction('client:parse_headers', (_, name) =>
    typeof name === 'string' ? values.get(name.toLowerCase()) : undefined,
  )
  const headers = newTable(any)
  for (const line of lines) {
    const [, name, value = ''] = /^([^:\s]+):(.*)$/s.exec(line) ?? []
    if (name === undefined) continue
    const text = value.trim()
    headers.set(name, text)
    values.set(name.toLowerCase(), text)
  }
  return headers
}
