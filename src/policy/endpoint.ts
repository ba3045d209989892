// HTTP endpoints of policy (Momentum manual page "lua.ref.msys.httpsrv.register"): a handler gets the session of
// a request and answers it. A slash at the end of a path does not count; the longest path wins.
import { LuaError } from '../lua/error.ts'
import type { LuaFunction } from '../lua/value.ts'
import type { HttpRequestFacts, HttpSession } from '../msys/httpsession.ts'
import type { CallSite } from '../msys/runtime.ts'
import type { Loaded } from './loaded.ts'

export interface EndpointReply {
  readonly status: number
  /** Byte string. */
  readonly body: string
  readonly contentType: string
}

interface Endpoint {
  /** Undefined: all. */
  readonly method: string | undefined
  readonly path: string
  readonly handler: LuaFunction
}

export type Endpoints = Endpoint[]

/** Undefined: no script is for it. Never fails: what raises is told in paniclog and answered 500. */
export async function serveEndpoint(
  { state, wrap, options }: Loaded,
  endpoints: readonly Endpoint[],
  request: HttpRequestFacts,
): Promise<EndpointReply | undefined> {
  const [found] = endpoints
    .filter((one) => isFor(one, request))
    .sort((a, b) => b.path.length - a.path.length)
  if (!found) return undefined
  const session: HttpSession = { kind: 'http_session', request, reply: undefined }
  const label = `httpsrv ${found.path}`
  const context: CallSite = { callout: 'msys.httpsrv', stage: 'other', moduleName: label }
  try {
    await state.call(found.handler, [wrap(session)], { label, context })
    return session.reply ?? { status: 200, body: '', contentType: 'text/plain' }
  } catch (error) {
    if (!(error instanceof LuaError)) throw error
    options.panic('scriptlet', `${label} error: ${error.message}`)
    return { status: 500, body: 'Internal error.\n', contentType: 'text/plain' }
  } finally {
    session.gone = 'the request was answered'
  }
}

function isFor({ method, path }: Endpoint, request: HttpRequestFacts): boolean {
  if (method !== undefined && method !== request.method) return false
  const asked = bare(request.path)
  return asked === bare(path) || asked.startsWith(`${bare(path)}/`)
}

function bare(path: string): string {
  return path.replace(/\/$/, '')
}
