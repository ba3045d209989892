// Mail sent through one whole server, and the copies that come out of it, with every tracked link shown
// as where it leads. All tests of a file share the server; each message has recipients of its own.
import { afterAll, beforeAll } from 'vitest'
import { decodeBase64 } from '../../src/mime/base64.ts'
import { splitHeader } from '../../src/mime/field.ts'
import { type Part, parseParts } from '../../src/mime/part.ts'
import { decodeQuotedPrintable } from '../../src/mime/quotedprintable.ts'
import { send, startServer, type TestEvent, type TestServer } from './server.ts'
import type { Wire } from './wire.ts'

export interface TrackedCopy {
  /** As the next hop got it: a byte string. */
  readonly message: string
  /** Leaf parts in order, decoded: byte strings with `{target}` for links and `[pixel]` for the pixel. */
  readonly shown: readonly string[]
  /** Paths of the tracked URLs, in order. */
  readonly paths: readonly string[]
}

export interface Tracked {
  readonly server: TestServer
  /** Sends a message to recipients (one of its own by default) and waits for the copies. */
  pass(message: string, rcpttos?: readonly string[]): Promise<TrackedCopy[]>
  /** The copy of the one recipient. */
  one(message: string): Promise<TrackedCopy>
  /** The reply to the final dot. */
  reply(message: string, rcpttos?: readonly string[]): Promise<string>
  get(path: string): Promise<Response>
  /** The events of a recipient, when one of type `type` is there. */
  events(rcptto: string, type: string): Promise<TestEvent[]>
}

/** Policy for tests: `X-Set: [recipient ]name=value` fields become context variables of the copies. */
const SETTER = `
  local mod = {}
  function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
    for _, value in ipairs(msg:header("X-Set")) do
      local rcptto, name, text = string.match(value, "^(%S-) ?([%w_]+)=(.*)$")
      if rcptto == "" or rcptto == msg:rcptto() then
        local where = name == "mo_customer_id" and msys.core.VCTX_CONN or msys.core.VCTX_MESS
        msg:context_set(where, name, text)
      end
    end
    return msys.core.VALIDATE_CONT
  end
  msys.registerModule("setter", mod)`

export const CONTEXT_FIELD = (name: string, value: string, rcptto = ''): string =>
  `X-Set: ${rcptto && `${rcptto} `}${name}=${value}\r\n`

/** A server for the tests of a file, with tracking on. */
export function trackedServer(more: { listener?: string; more?: string } = {}): Tracked {
  let server: TestServer
  let wire: Wire
  let messages = 0

  beforeAll(async () => {
    server = await startServer({
      listener: `open_tracking_enabled = true click_tracking_enabled = true ${more.listener ?? ''}`,
      more: `rfc2822_trace_headers = false ${more.more ?? ''}`,
      policy: { setter: SETTER },
    })
    wire = await server.dial()
    await wire.expect('220')
    await wire.ask('EHLO client.example', '250')
  })
  afterAll(async () => {
    await wire.ask('QUIT', '221')
    wire.end()
    await server.close()
  })

  const get = (path: string): Promise<Response> =>
    fetch(server.httpUrl + path, { redirect: 'manual' })
  const tracked: Tracked = {
    get server() {
      return server
    },
    async pass(message, rcpttos = [`you${messages++}@rcpt.example`]) {
      const before = server.sink.mail.length
      const reply = await send(wire, rcpttos, message)
      if (!reply.startsWith('250')) throw new Error(reply)
      await server.sink.waitFor(before + rcpttos.length, 10_000)
      return Promise.all(
        rcpttos.map((rcptto) => {
          const copy = server.sink.mail.findLast((mail) => mail.rcptto === rcptto)
          return copyOf(copy?.bytes ?? Buffer.of(), get)
        }),
      )
    },
    async one(message) {
      const [copy] = await tracked.pass(message)
      if (!copy) throw new Error('no copy')
      return copy
    },
    reply: (message, rcpttos = [`you${messages++}@rcpt.example`]) => send(wire, rcpttos, message),
    get,
    async events(rcptto, type) {
      for (;;) {
        const own = (await server.events(1)).filter((event) => event['rcpt_to'] === rcptto)
        if (own.some((event) => event.type === type)) return own
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
  }
  return tracked
}

/** A message of one part; `text` is encoded as UTF-8. */
export function single(type: string, text: string, encoding = '8bit', head = ''): string {
  const octets = Buffer.from(text, 'utf8').toString('latin1')
  const fields = `${head}Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n`
  return `${fields}\r\n${octets}\r\n`
}

export const html = (text: string, encoding?: string, head?: string): string =>
  single('text/html; charset=utf-8', text, encoding, head)

export const plain = (text: string, encoding?: string, head?: string): string =>
  single('text/plain; charset=utf-8', text, encoding, head)

/** With the empty query that base64 parts pad it with. */
const TRACKED_URL = /https?:\/\/track\.example:8080(\/[fq]\/[\w/-]+)\?{0,2}/g
const PIXEL = /<img border="0" width="1" height="1" alt="" src="\[pixel\]">/g

async function copyOf(
  bytes: Buffer,
  get: (path: string) => Promise<Response>,
): Promise<TrackedCopy> {
  const { fields, body } = splitHeader(bytes)
  const texts = leafTexts(parseParts(fields, body), body)
  const shown: string[] = []
  const paths: string[] = []
  // The same link twice has the same URL: it is visited once.
  const known = new Map<string, string>()
  for (const text of texts) {
    let result = text
    for (const [url, path = ''] of text.matchAll(TRACKED_URL)) {
      const seen = known.get(path) ?? describe(path, await get(path))
      known.set(path, seen)
      paths.push(path)
      result = result.replace(url, () => seen)
    }
    shown.push(result.replace(PIXEL, '[pixel]'))
  }
  return { message: bytes.toString('latin1'), shown, paths }
}

function describe(path: string, response: Response): string {
  if (path.startsWith('/q/')) return '[pixel]'
  return `{${response.status === 302 ? response.headers.get('location') : response.status}}`
}

function leafTexts(part: Part, body: Buffer): string[] {
  if (part.children.length) return part.children.flatMap((child) => leafTexts(child, body))
  const raw = body.subarray(part.start, part.end)
  if (part.encoding === 'base64') return [decodeBase64(raw).toString('latin1')]
  const isQuoted = part.encoding === 'quoted-printable'
  return [(isQuoted ? decodeQuotedPrintable(raw) : raw).toString('latin1')]
}
