// What policy reaches from a running server: files, HTTP, timers, endpoints of its own.
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { serverPerTest } from '../support/server.ts'

const start = serverPerTest()

const POLICY = `
  local mod = {}
  function mod:rsrc_setup()
    msys.httpsrv.register("GET", "/policy/ask", function(session)
      local client = msys.http.client.new()
      local ok, why = client:do_request("GET", session:request_url_get().query)
      session:response_status_set_std(ok and 200 or 502, ok and client:get_body() or why)
    end)
    msys.httpsrv.register("GET", "/policy/read", function(session)
      session:response_status_set_std(200, tostring((msys.readfile("list.txt"))))
    end)
    msys.httpsrv.register("GET", "/livez", function(session)
      session:response_status_set_std(200, "taken over")
    end)
    return true
  end
  msys.timer.after(0.01, function()
    local flags = msys.core.O_CREAT | msys.core.O_APPEND | msys.core.O_WRONLY
    local log = msys.core.io_wrapper_open("ticks.log", flags, 0644)
    log:write("tick\\n")
  end)
  msys.registerModule("outside", mod)`

async function get(url: string) {
  const response = await fetch(url)
  return `${response.status} ${await response.text()}`
}

test('an endpoint of policy reads files, and asks only whom it may', async () => {
  const inside = createServer((_, response) => void response.end('inside'))
  inside.listen(0, '127.0.0.1')
  await once(inside, 'listening')
  const asked = `http://127.0.0.1:${(inside.address() as AddressInfo).port}/`
  const server = await start({ policy: { outside: POLICY } })
  await writeFile(join(server.folder, 'list.txt'), 'one')
  expect(await get(`${server.httpUrl}/policy/read`)).toBe('200 one')
  expect(await get(`${server.httpUrl}/livez`)).toBe('200 ok\n')
  expect(await get(`${server.httpUrl}/policy/none`)).toMatch(/^404/)
  expect(await get(`${server.httpUrl}/policy/ask?${asked}`)).toBe(
    '502 127.0.0.1 is no public address, see http_allow',
  )
  await server.reload((text) =>
    text.replace('scriptlet "scriptlet" {', 'scriptlet "scriptlet" { http_allow = ( 127.0.0.1 )'),
  )
  expect(await get(`${server.httpUrl}/policy/ask?${asked}`)).toBe('200 inside')
  inside.close()
})

test('a timer writes its file while nobody is connected', async () => {
  const server = await start({ policy: { outside: POLICY } })
  const log = join(server.folder, 'ticks.log')
  const read = () => readFile(log, 'utf8').catch(() => '')
  while ((await read()) === '') await new Promise((resolve) => setTimeout(resolve, 5))
  expect(await read()).toBe('tick\n')
})
