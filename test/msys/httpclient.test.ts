// msys.http.client from Lua, over answers of the test's own.
import { describe, expect, test } from 'vitest'
import { closedOutside } from '../../src/outside/closed.ts'
import type { HttpAnswer, HttpClient, HttpRequest } from '../../src/outside/outside.ts'
import { BUDGET, policyOf, runLua, subjectOf } from '../support/policy.ts'

const ANSWER: HttpAnswer = {
  kind: 'answered',
  status: 200,
  statusText: 'OK',
  headerLines: ['Content-Type: text/plain', 'X-A: 1', 'x-a: 2'],
  body: 'hello\xe9',
  url: 'http://host.example/',
}

async function run(code: string, answer: HttpAnswer = ANSWER) {
  const sent: HttpRequest[] = []
  const http: HttpClient = {
    send(request) {
      sent.push(request)
      return Promise.resolve(answer)
    },
  }
  const prefix = 'local client = msys.http.client.new() '
  const { said } = await runLua(prefix + code, { outside: { http } })
  return { said, sent }
}

describe('msys.http.client', () => {
  test('an answer can be read', async () => {
    const { said } = await run(`
      say(client:do_request("get", "http://host.example/"))
      say(client:get_status())
      say(client:get_body(), client:get_headers())`)
    expect(said).toBe('true 200 OK hello\xe9 {Content-Type: text/plain,X-A: 1,x-a: 2}')
  })

  test.each([
    ['client:parse_headers(client:get_headers())', 'text/plain 2 nil'],
    ['client:parse_headers()', 'text/plain 2 nil'],
    ['client:parse_headers({ "CONTENT-TYPE: a", "x-A:2" })', 'a 2 nil'],
  ])('%s finds names in any case of letters', async (call, expected) => {
    const { said } = await run(`
      client:do_request("GET", "http://host.example/")
      local h = ${call}
      say(h["content-type"], h["X-a"], h["x-none"])`)
    expect(said).toBe(expected)
  })

  test('header lines add up until they are cleared', async () => {
    const { sent } = await run(`
      client:set_header("A: 1") client:set_header("B: 2") client:set_timeout(1.5)
      client:do_request("POST", "http://host.example/", "a=b")
      client:set_header() client:set_timeout()
      client:request("DELETE", "http://host.example/x")`)
    expect(sent).toMatchObject([
      { method: 'POST', headerLines: ['A: 1', 'B: 2'], timeoutMs: 1_500, body: 'a=b' },
      { method: 'DELETE', headerLines: [], timeoutMs: 30_000, url: 'http://host.example/x' },
    ])
  })

  test('without an answer there is false, a text and a number, and no status', async () => {
    const { said } = await run(
      `say(client:do_request("GET", "http://host.example/")) say(client:get_status(), client:get_body(), client:get_headers())`,
      { kind: 'failed', text: 'no answer', code: 28 },
    )
    expect(said).toBe('false no answer 28 nil nil {}')
  })

  test.each([
    [
      'client:do_request()',
      'client:do_request: bad argument #1 (string expected, got nil): method',
    ],
    ['client:do_request("GET")', 'bad argument #2 (string expected, got nil): url'],
    ['client:do_request("CONNECT", "http://a/")', 'bad argument #1 (one of GET, POST, PUT, DELETE'],
    ['client:set_timeout(0)', 'client:set_timeout: bad argument #1 (not above 0): seconds'],
    ['client:set_header({})', 'client:set_header: bad argument #1 (string expected, got table)'],
    ['client.do_request("x", "GET", "http://a/")', "calling 'do_request' on bad self"],
  ])('%s raises', async (code, text) => {
    expect((await run(code)).said).toContain(text)
  })

  test('where there is no HTTP the error names the request', async () => {
    const { said } = await runLua('msys.http.client.new():do_request("GET", "http://a.example/")')
    expect(said).toContain('client:do_request: no HTTP here: GET http://a.example/')
  })

  test('others run while one waits, and a callout that is killed gives its request up', async () => {
    const source = `msys.registerModule("a", {
      validate_connect = function() msys.http.client.new():do_request("GET", "http://a.example/") end,
      validate_ehlo = function() print("served") return msys.core.VALIDATE_CONT end })`
    let given: AbortSignal | undefined
    const http: HttpClient = {
      send(_, signal) {
        given = signal
        return new Promise(() => {})
      },
    }
    const budget = { ...BUDGET, wallMs: 50 }
    const { policy, panics, close } = await policyOf(
      { a: source },
      { budget, outside: closedOutside({ http }) },
    )
    const waiting = policy.openSession().run('validate_connect', subjectOf().subject)
    expect(policy.openSession().run('validate_ehlo', subjectOf().subject)).toEqual({ kind: 'done' })
    expect(panics).toEqual(['scriptlet: served'])
    expect(given?.aborted).toBe(false)
    expect(await waiting).toMatchObject({ kind: 'failed' })
    expect(given?.aborted).toBe(true)
    await close()
  })
})
