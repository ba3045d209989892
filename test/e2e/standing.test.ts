// Mail that policy sends where there is no session: from timers, console commands and delivery hooks.
import { expect, test } from 'vitest'
import { copyFor, sendOne, serverPerTest } from '../support/server.ts'

const start = serverPerTest()

const POLICY = {
  p: `require("msys.timer") require("msys.policyeditor")
    local mod = {}
    local function report(to)
      local m = msys.core.ec_message_new()
      m:build({ From = "ops@sender.example", To = to, Subject = "report" }, { ["text/plain"] = "all well\\r\\n" })
      return m:inject("ops@sender.example", to)
    end
    function mod:init()
      print("early " .. tostring(select(2, pcall(report, "x@y.example"))))
      -- The server may not be ready the first time.
      timer = msys.timer.every(0.05, function() if pcall(report, "timer@rcpt.example") then timer:stop() end end)
      msys.registerControl("report", function() print(tostring(report("console@rcpt.example"))) end)
      msys.registerControl("mail", function()
        msys.policyeditor.send_email({}, {}, { from = "ops@sender.example", to = "editor@rcpt.example", subject = "s", body = "b" })
        print("sent")
      end)
      return true
    end
    function mod:core_log_delivery_v1(msg)
      if msg:rcptto() ~= "a@rcpt.example" then return end
      local copy = msg:copy()
      copy:header("X-Second", "yes")
      copy:inject(msg:mailfrom(), "second@rcpt.example")
    end
    function mod:validate_set_binding(msg) print("bound " .. msg:rcptto()) return 0 end
    msys.registerModule("p", mod)`,
}

test('is built, bound, spooled and delivered like any other', async () => {
  const server = await start({ policy: POLICY })
  expect(await copyFor(server, 'timer@rcpt.example')).toContain('all well')
  expect(await server.server.policy().control(['report'])).toBe('true\n')
  expect(await copyFor(server, 'console@rcpt.example', 2)).toContain('Subject: report')
  expect(await server.server.policy().control(['mail'])).toBe('sent\n')
  expect(await copyFor(server, 'editor@rcpt.example', 3)).toContain('Subject: s')
  await sendOne(server, ['a@rcpt.example'])
  expect(await copyFor(server, 'second@rcpt.example', 5)).toMatch(/^X-Second: yes/m)
  const panics = await server.log('paniclog.ec')
  expect(panics).toContain('bound timer@rcpt.example')
  expect(panics).toMatch(/early .*there is no session here to send for/)
})

test('goes on after a reload, by the new policy', async () => {
  const server = await start({ policy: POLICY })
  await copyFor(server, 'timer@rcpt.example')
  await server.reload((text) => text)
  await server.sink.waitFor(2, 10_000)
  expect(await server.server.policy().control(['report'])).toBe('true\n')
  await copyFor(server, 'console@rcpt.example', 3)
})
