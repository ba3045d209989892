// Endpoints of policy: registered from Lua, asked over HTTP.
import { expect, test } from 'vitest'
import { policyApp } from '../../src/http/policy.ts'
import { policyOf } from '../support/policy.ts'

const SOURCE = `
  require("msys.extended.httpsrv")
  local function handler(session)
    local details = session:request_url_get()
    kept = session
    if details.query == "raise" then error("no") end
    if details.query == "done" then return msys.httpsrv.DONE end
    msys.sleep(0)
    local text = { details.method, details.url, details.path }
    if details.attrs then
      local iter = msys.core.dict_iter2(details.attrs)
      local rc, k, v = msys.core.dict_next(details.attrs, iter)
      while rc ~= 0 do
        text[#text + 1] = k .. "=" .. v
        rc, k, v = msys.core.dict_next(details.attrs, iter)
      end
    end
    session:response_status_set_std(201, table.concat(text, " ") .. "\\233", "text/x")
  end
  local mod = {}
  function mod:rsrc_setup()
    msys.httpsrv.register("get", "/mine", handler)
    msys.httpsrv.register(nil, "/all/", handler)
    msys.httpsrv.register("GET", "/mine/deeper", function(session)
      session:response_status_set_std(200, "deeper")
      print(pcall(session.response_status_set_std, session, 99, "x"))
      print(pcall(kept.request_url_get, kept))
    end)
    return true
  end
  msys.registerModule("a", mod)`

test('handlers answer for their paths and methods', async () => {
  const { policy, panics, close } = await policyOf({ a: SOURCE })
  const app = policyApp(() => policy)
  const ask = async (path: string, method = 'GET') => {
    const response = await app.request(path, { method })
    const body = Buffer.from(await response.arrayBuffer()).toString('latin1')
    return `${response.status} ${response.headers.get('content-type')} ${body}`
  }
  expect(await ask('/mine')).toBe('201 text/x GET /mine /mine\xe9')
  expect(await ask('/mine/?a=1&b=%C3%A9+x')).toBe(
    '201 text/x GET /mine/?a=1&b=%C3%A9+x /mine/ a=1 b=\xc3\xa9 x\xe9',
  )
  expect(await ask('/mine/below')).toContain('201')
  expect(await ask('/mine/deeper')).toBe('200 text/plain deeper')
  expect(await ask('/minerva')).toMatch(/^404/)
  expect(await ask('/mine', 'POST')).toMatch(/^404/)
  expect(await ask('/all', 'DELETE')).toMatch(/^201 text\/x DELETE/)
  expect(await ask('/mine?done')).toBe('200 text/plain ')
  expect(await ask('/mine?raise')).toBe('500 text/plain Internal error.\n')
  expect(panics[0]).toContain('bad argument #1 (200 to 599 expected): code')
  expect(panics[1]).toContain('http_session is gone (the request was answered)')
  expect(panics[2]).toMatch(/httpsrv \/mine error: .*no/)
  await close()
})

test('endpoints are registered while scripts load, with a path', async () => {
  const say = (code: string) => `print(pcall(function() ${code} end))`
  const { panics, close } = await policyOf({
    a: `${say('msys.httpsrv.register("GET", "mine", print)')}
        ${say('msys.httpsrv.register("GET", "/mine")')}
        ${say('msys.httpsrv.register({}, "/mine", print)')}`,
  })
  await close()
  expect(panics[0]).toContain('msys.httpsrv.register: bad argument #2 (it begins with /): path')
  expect(panics[1]).toContain('bad argument #3 (function expected, got nil): handler')
  expect(panics[2]).toContain('bad argument #1 (string expected, got table): method')
})
