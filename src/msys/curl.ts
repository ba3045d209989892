// The `curl` module (Momentum: "lua.ref.curl.new", "lua.ref.curl.c_setopt" and beside them) over the HTTP of this
// server: its guard, its bounds and its suspension hold here too. What libcurl does beyond HTTP is refused
// by name. Names and numbers are libcurl's.
import { later, type HostResult } from '../lua/binding.ts'
import { longestString } from '../lua/budget.ts'
import { abortSignal } from '../lua/call.ts'
import { LuaCallError } from '../lua/error.ts'
import { isHandle, type LuaFunction, type LuaValue, multiple } from '../lua/value.ts'
import type { HttpAnswer, HttpRequest } from '../outside/outside.ts'
import { CURL_NUMBERS, CURL_OPTIONS, type CurlOption } from './curloptions.ts'
import { declare } from './declaration.ts'
import type { ApiObject } from './handle.ts'
import { DEFAULT_TIMEOUT_MS, MAX_ANSWER } from './httpclient.ts'
import { any, asString, number, rest } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import type { ClassShape } from './shape.ts'
import { runningCall } from './waiting.ts'
import { isUrl } from '../mail/url.ts'

interface Curl extends ApiObject {
  readonly kind: 'curl'
  isClosed: boolean
  /** By name; lists of strings as they were given. */
  readonly options: Map<string, LuaValue>
  answer: Answered | undefined
}

type Answered = Extract<HttpAnswer, { kind: 'answered' }>

const fn = declare<undefined>()
const method = declare<Curl>()

const DIFFERS =
  'HTTP and HTTPS only, with the guard of msys.http.client; certificates are always checked; an option that is not supported raises'

/** libcurl's limit where a script sets none. */
const MAX_REDIRECTS = 30
const WRITE_ERROR = 23

export const CURL_FUNCTIONS = [
  fn(
    'curl.new',
    [],
    { result: 'curl', tier: 2, doc: 'a libcurl handle', differs: DIFFERS },
    (_, __, { wrap }) =>
      wrap({ kind: 'curl', isClosed: false, options: new Map(), answer: undefined } satisfies Curl),
  ),
]

export const CURL_CONSTANTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  curl: CURL_NUMBERS,
}

export const CURL: ClassShape<Curl> = {
  kind: 'curl',
  className: 'curl',
  prefix: 'c',
  methods: [
    method(
      'c:setopt',
      [number('option'), rest(any('values'))],
      {
        result: 'true',
        tier: 2,
        doc: 'sets an option by its curl.OPT_ constant',
        differs: DIFFERS,
      },
      (self, [code, values], _, count) => {
        assertOpen(self, 'c:setopt')
        setOption(self, code, values.slice(0, count - 1))
        return true
      },
    ),
    method(
      'c:perform',
      [],
      {
        result: 'true | nil, string, number',
        tier: 2,
        doc: 'does the transfer; nil, a text and a number of libcurl when it fails',
        differs: 'it suspends the callout; the body goes to paniclog where no WRITEFUNCTION is set',
      },
      perform,
    ),
    method(
      'c:getinfo',
      [number('info')],
      {
        result: 'any',
        tier: 2,
        doc: 'INFO_RESPONSE_CODE, INFO_EFFECTIVE_URL and INFO_CONTENT_TYPE of the answer',
      },
      ({ answer }, [info]) => readInfo(answer, info),
    ),
    method('c:close', [], { result: 'nil', tier: 2, doc: 'ends it' }, (self) => {
      self.isClosed = true
    }),
  ],
  fields: [],
}

function assertOpen({ isClosed }: Curl, name: string): void {
  if (isClosed) throw new LuaCallError(`${name}: the handle is closed`)
}

function setOption({ options }: Curl, code: number, values: readonly LuaValue[]): void {
  const [name, type] = CURL_OPTIONS.get(code) ?? []
  if (name === undefined || type === undefined)
    throw new LuaCallError(`c:setopt: unknown option ${code}`)
  const problem = (expected: string): never => {
    throw new LuaCallError(`c:setopt: bad argument #2 (${expected} expected): OPT_${name}`)
  }
  if (type === 'refused') throw new LuaCallError(`c:setopt: OPT_${name} is not supported here`)
  if (values.length === 0) throw new LuaCallError('c:setopt: Invalid number of arguments')
  const [value] = values
  if (type !== 'any' && value === undefined) options.delete(name)
  else options.set(name, readOption(type, values, problem))
}

function readOption(
  type: CurlOption,
  values: readonly LuaValue[],
  problem: (expected: string) => never,
): LuaValue {
  const [value] = values
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' ? value : problem('boolean value')
    case 'number':
      return typeof value === 'number' ? value : problem('number')
    case 'string':
      return asString(value) ?? problem('string')
    case 'function':
      return isHandle(value, 'function') ? value : problem('function')
    case 'list':
      return values.map((each) => asString(each) ?? problem('string'))
    default:
      return value
  }
}

function perform(self: Curl, _: readonly [], runtime: Runtime): HostResult {
  assertOpen(self, 'c:perform')
  const call = runningCall('c:perform')
  const request = requestOf(self)
  return later(async () => {
    self.answer = undefined
    const upload = self.options.get('UPLOAD') === true
    const body = upload ? await uploaded(self, runtime, call) : request.body
    const sent = body === undefined ? request : { ...request, body }
    const answer = await runtime.outside.http.send(sent, abortSignal(call))
    if (answer.kind === 'refused') throw new LuaCallError(`c:perform: ${answer.text}`)
    if (answer.kind === 'failed') return multiple(undefined, answer.text, answer.code)
    self.answer = answer
    if (self.options.get('FAILONERROR') === true && answer.status >= 400) {
      return multiple(undefined, `The requested URL returned error: ${answer.status}`, 22)
    }
    return deliver(self, answer, runtime, call)
  })
}

type Call = ReturnType<typeof runningCall>

/** Hands header lines and body to the functions that are set for them. */
async function deliver(self: Curl, answer: Answered, runtime: Runtime, call: Call) {
  const { options } = self
  const head = [`HTTP/1.1 ${answer.status} ${answer.statusText}`, ...answer.headerLines, '']
  const give = async (which: 'HEADER' | 'WRITE', octets: string): Promise<boolean> => {
    const run = options.get(`${which}FUNCTION`)
    if (!isFunction(run)) {
      if (which === 'WRITE' && octets !== '') runtime.panic(octets)
      return true
    }
    const data = options.has(`${which}DATA`) ? options.get(`${which}DATA`) : runtime.wrap(self)
    const [taken] = await runtime.call(run, [data, octets], { within: call })
    return taken === octets.length
  }
  for (const line of head) if (!(await give('HEADER', `${line}\r\n`))) return writeFailed()
  const withHead = options.get('HEADER') === true ? `${head.join('\r\n')}\r\n` : ''
  return (await give('WRITE', withHead + answer.body)) ? true : writeFailed()
}

function writeFailed() {
  return multiple(undefined, 'Failed writing received data to disk/application', WRITE_ERROR)
}

/** What READFUNCTION gives until it gives nothing. */
async function uploaded(self: Curl, runtime: Runtime, call: Call): Promise<string> {
  const { options } = self
  const run = options.get('READFUNCTION')
  if (!isFunction(run)) return ''
  const data = options.has('READDATA') ? options.get('READDATA') : runtime.wrap(self)
  const size = Number(options.get('INFILESIZE') ?? MAX_ANSWER)
  let body = ''
  while (body.length < size) {
    const [piece] = await runtime.call(run, [data, 16_384], { within: call })
    if (typeof piece !== 'string' || piece === '') break
    body += piece
  }
  return body.slice(0, size)
}

function requestOf({ options }: Curl): HttpRequest {
  const text = (name: string): string | undefined => asString(options.get(name))
  const amount = (name: string): number => Number(options.get(name) ?? 0)
  const is = (name: string): boolean => options.get(name) === true
  const fields = text('POSTFIELDS')
  const size = amount('POSTFIELDSIZE')
  const body = fields?.slice(0, size > 0 ? size : undefined)
  const isPost = is('POST') || body !== undefined
  const usual = is('UPLOAD') ? 'PUT' : isPost && !is('HTTPGET') ? 'POST' : 'GET'
  const lines = options.get('HTTPHEADER')
  const given = Array.isArray(lines) ? lines.filter((line) => typeof line === 'string') : []
  const credentials = text('USERPWD')
  const extra: readonly (readonly [string, string | undefined])[] = [
    ['User-Agent', text('USERAGENT')],
    ['Referer', text('REFERER')],
    ['Cookie', text('COOKIE')],
    ['Range', text('RANGE') && `bytes=${text('RANGE')}`],
    [
      'Authorization',
      credentials && `Basic ${Buffer.from(credentials, 'latin1').toString('base64')}`,
    ],
    ['Content-Type', usual === 'POST' ? 'application/x-www-form-urlencoded' : undefined],
  ]
  const named = new Set(given.map((line) => line.split(':')[0]?.toLowerCase()))
  const limit = amount('MAXREDIRS')
  return {
    method: text('CUSTOMREQUEST') ?? (is('NOBODY') ? 'HEAD' : usual),
    url: withPort(text('URL') ?? '', amount('PORT')),
    headerLines: [
      // As libcurl: a line without a value takes the header away.
      ...given.filter((line) => !/:\s*$/.test(line)),
      ...extra.flatMap(([name, value]) =>
        value === undefined || named.has(name.toLowerCase()) ? [] : [`${name}: ${value}`],
      ),
    ],
    ...(usual === 'POST' && { body: body ?? '' }),
    timeoutMs: amount('TIMEOUT') > 0 ? amount('TIMEOUT') * 1000 : DEFAULT_TIMEOUT_MS,
    maxBytes: Math.min(amount('MAXFILESIZE') || MAX_ANSWER, MAX_ANSWER, longestString()),
    ...(is('FOLLOWLOCATION') && { maxRedirects: limit > 0 ? limit : MAX_REDIRECTS }),
  }
}

function withPort(url: string, port: number): string {
  const whole = /^[a-z][a-z\d+.-]*:\/\//i.test(url) ? url : `http://${url}`
  if (port === 0 || !isUrl(whole)) return whole
  const made = new URL(whole)
  made.port = String(port)
  return made.href
}

function readInfo(answer: Answered | undefined, info: number): HostResult {
  const { INFO_RESPONSE_CODE, INFO_EFFECTIVE_URL, INFO_CONTENT_TYPE } = CURL_NUMBERS
  switch (info) {
    case INFO_RESPONSE_CODE:
      return answer?.status ?? 0
    case INFO_EFFECTIVE_URL:
      return answer?.url ?? ''
    case INFO_CONTENT_TYPE:
      return answer?.headerLines
        .find((line) => /^content-type:/i.test(line))
        ?.replace(/^[^:]*:\s*/, '')
    default:
      return multiple(undefined, `unknown CURLINFO type: ${info}`, 43)
  }
}

function isFunction(value: LuaValue): value is LuaFunction {
  return !Array.isArray(value) && isHandle(value, 'function')
}
