// The `curl` module from Lua, over answers of the test's own.
import { describe, expect, test } from 'vitest'
import type { HttpAnswer, HttpRequest } from '../../src/outside/outside.ts'
import { runLua } from '../support/policy.ts'

const ANSWER: HttpAnswer = {
  kind: 'answered',
  status: 404,
  statusText: 'Not Found',
  headerLines: ['Content-Type: text/plain'],
  body: 'hello',
  url: 'http://host.example/end',
}

async function run(code: string, answer: HttpAnswer = ANSWER) {
  const sent: HttpRequest[] = []
  const http = {
    send(request: HttpRequest) {
      sent.push(request)
      return Promise.resolve(answer)
    },
  }
  const prefix =
    'require("curl") local c = curl.new() c:setopt(curl.OPT_URL, "http://host.example/") '
  const { said, lines } = await runLua(prefix + code, { outside: { http } })
  return { said, lines, sent }
}

describe('curl', () => {
  test('hands the answer to the functions that are set', async () => {
    const { said } = await run(`
      local head, body = {}, {}
      say(c:setopt(curl.OPT_HEADERFUNCTION, function(h, line) head[#head + 1] = line return #line end))
      c:setopt(curl.OPT_WRITEDATA, "mine")
      c:setopt(curl.OPT_WRITEFUNCTION, function(h, data) msys.sleep(0) body[#body + 1] = h .. data return #data end)
      say(c:perform(), table.concat(head):gsub("\\r\\n", "|"), table.concat(body))
      say(c:getinfo(curl.INFO_RESPONSE_CODE), c:getinfo(curl.INFO_EFFECTIVE_URL), c:getinfo(curl.INFO_CONTENT_TYPE))
      say(c:close(), c:close(), pcall(c.perform, c))`)
    expect(said).toMatch(
      /^true true HTTP\/1.1 404 Not Found\|Content-Type: text\/plain\|\| minehello 404 http:\/\/host.example\/end text\/plain nil nil false .*c:perform: the handle is closed$/,
    )
  })

  test('what options make of a request', async () => {
    const { sent } = await run(`
      c:setopt(curl.OPT_HTTPHEADER, "A: 1", "Content-Type: application/json")
      c:setopt(curl.OPT_USERAGENT, "agent") c:setopt(curl.OPT_USERPWD, "u:p")
      c:setopt(curl.OPT_POSTFIELDS, "{}") c:setopt(curl.OPT_TIMEOUT, 3) c:setopt(curl.OPT_PORT, 8080)
      c:setopt(curl.OPT_FOLLOWLOCATION, true) c:setopt(curl.OPT_MAXREDIRS, 2)
      c:perform()
      c:setopt(curl.OPT_POSTFIELDS, nil) c:setopt(curl.OPT_HTTPHEADER, nil) c:setopt(curl.OPT_USERPWD, nil)
      c:setopt(curl.OPT_FOLLOWLOCATION, false) c:setopt(curl.OPT_NOBODY, true) c:setopt(curl.OPT_TIMEOUT, 0)
      c:perform()
      c:setopt(curl.OPT_NOBODY, false) c:setopt(curl.OPT_UPLOAD, true) c:setopt(curl.OPT_INFILESIZE, 4)
      local pieces = { "th", "ere" }
      c:setopt(curl.OPT_READFUNCTION, function() return table.remove(pieces, 1) end)
      c:perform()`)
    expect(sent).toMatchObject([
      {
        method: 'POST',
        url: 'http://host.example:8080/',
        headerLines: [
          'A: 1',
          'Content-Type: application/json',
          'User-Agent: agent',
          'Authorization: Basic dTpw',
        ],
        body: '{}',
        timeoutMs: 3_000,
        maxRedirects: 2,
      },
      { method: 'HEAD', headerLines: ['User-Agent: agent'], timeoutMs: 30_000 },
      { method: 'PUT', body: 'ther' },
    ])
    expect(sent[1]).not.toHaveProperty('maxRedirects')
  })

  test('failures have the numbers of libcurl', async () => {
    expect((await run('say(c:perform())', { kind: 'failed', text: 'late', code: 28 })).said).toBe(
      'nil late 28',
    )
    const write = 'c:setopt(curl.OPT_WRITEFUNCTION, function() return 0 end) say(c:perform())'
    expect((await run(write)).said).toMatch(/^nil Failed writing .* 23$/)
    const fail = 'c:setopt(curl.OPT_FAILONERROR, true) say(c:perform())'
    expect((await run(fail)).said).toBe('nil The requested URL returned error: 404 22')
  })

  test('without a function the body goes to paniclog', async () => {
    expect((await run('c:perform()')).lines).toContain('hello')
  })

  test.each([
    ['c:setopt()', 'c:setopt: bad argument #1 (number expected, got nil): option'],
    ['c:setopt(curl.OPT_URL)', 'c:setopt: Invalid number of arguments'],
    [
      'c:setopt(curl.OPT_VERBOSE, 1)',
      'c:setopt: bad argument #2 (boolean value expected): OPT_VERBOSE',
    ],
    ['c:setopt(curl.OPT_URL, {})', 'c:setopt: bad argument #2 (string expected): OPT_URL'],
    [
      'c:setopt(curl.OPT_SSL_VERIFYPEER, false)',
      'c:setopt: OPT_SSL_VERIFYPEER is not supported here',
    ],
    ['c:setopt(99999, 1)', 'c:setopt: unknown option 99999'],
    [
      'c:setopt(curl.OPT_WRITEFUNCTION, "x")',
      'bad argument #2 (function expected): OPT_WRITEFUNCTION',
    ],
  ])('%s raises', async (code, text) => {
    expect((await run(code)).said).toContain(text)
  })
})
