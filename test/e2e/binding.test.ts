// Policy chooses the way out, over real sockets: where each copy went, and what the logs say of it.
import { expect, test } from 'vitest'
import { openSink } from '../../src/cli/sink.ts'
import { copyFor, sendOne, serverPerTest } from '../support/server.ts'

const start = serverPerTest()

test('a copy leaves by the binding that policy set, and logs and events name it', async () => {
  const other = await openSink()
  const test = await start({
    more: `binding_group marketing { binding bulk { gateway = "127.0.0.1:${other.port}" } }`,
    policy: {
      bind: `msys.registerModule("bind", {
        validate_set_binding = function(self, msg)
          if msg:rcptto() == "b@x.example" then msg:binding_group("marketing") end
          if msg:rcptto() == "c@x.example" then msg:binding("nix") end
          return msys.core.VALIDATE_CONT
        end,
        core_post_validate_set_binding = function(self, msg) print("bound " .. msg:rcptto()) end,
      })`,
    },
  })
  await sendOne(test, ['a@x.example', 'b@x.example', 'c@x.example'])
  await copyFor(test, 'c@x.example', 2)
  await other.waitFor(1, 10_000)
  expect(test.sink.mail.map(({ rcptto }) => rcptto).sort()).toEqual(['a@x.example', 'c@x.example'])
  expect(other.mail.map(({ rcptto }) => rcptto)).toEqual(['b@x.example'])

  const ofB = (await test.events(6)).filter((event) => event['rcpt_to'] === 'b@x.example')
  expect(
    ofB.map((event) => [event.type, event['binding_group'], event['binding']].join(' ')).sort(),
  ).toEqual(['delivery marketing bulk', 'injection marketing bulk'])
  expect(await test.log('paniclog.ec')).toMatch(/^\d+:scriptlet: bound b@x\.example\n$/)
  const lines = (await test.log('mainlog.ec')).split('\n')
  expect(lines.filter((line) => /@R@b@x\.example@.*@marketing@bulk$/.test(line))).toHaveLength(1)
  expect(lines.filter((line) => /@D@x\.example@\d+@marketing@bulk@0@/.test(line))).toHaveLength(1)
  expect(lines.filter((line) => /@D@x\.example@\d+@default@default@0@/.test(line))).toHaveLength(2)
  await other.close()
})

test('mail of a suspended binding waits until a reload lets it go', async () => {
  const test = await start({
    more: 'binding parked { suspend_delivery = true }',
    policy: {
      bind: `msys.registerModule("bind", { validate_set_binding = function(self, msg)
        msg:binding(msg:rcptto() == "a@x.example" and "parked" or "default")
        return msys.core.VALIDATE_CONT end })`,
    },
  })
  await sendOne(test, ['a@x.example', 'b@x.example'])
  await copyFor(test, 'b@x.example')
  expect(test.sink.mail).toHaveLength(1)
  await test.reload((text) => text.replace('suspend_delivery = true', 'suspend_delivery = false'))
  expect(await copyFor(test, 'a@x.example', 2)).toContain('Subject: hello')
})
