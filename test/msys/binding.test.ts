// Bindings from Lua: each snippet is the body of validate_set_binding and prints what is compared.
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { policyOf, subjectOf } from '../support/policy.ts'

const { bindings } = parseConfig(
  `binding_group g { binding one {} binding two { suspend_delivery = true } }
   binding alone {}
   binding_group empty {}`,
  'f.conf',
  { lenient: false, defaultHostname: 'h', folder: '/' },
).config

async function run(code: string, callout = 'validate_set_binding' as const) {
  const source = `msys.registerModule("b", { ${callout} = function(self, msg)
    local E, P = msys.core, msys.policyeditor
    local say = function(...) print(select("#", ...) == 0 and "nothing" or table.concat({...}, " ")) end
    local s = tostring
    ${code}
    return E.VALIDATE_CONT end })`
  const { policy, panics, close } = await policyOf({ b: source }, { bindings })
  const { subject } = subjectOf()
  await policy.openSession().run(callout, subject)
  await close()
  return { said: panics.map((line) => line.replace(/^scriptlet: /, '')), subject }
}

test.each([
  ['say(msg:binding(), msg:binding_group())', 'default default'],
  ['say(msg:binding("one"), msg:binding(), msg:binding_group())', 'one one g'],
  ['say(msg:binding("alone"), msg:binding_group())', 'alone default'],
  ['say(msg:binding("default"), msg:binding(), msg:binding_group())', 'default default default'],
  ['msg:binding("one") say(s(msg:binding("nix")), msg:binding())', 'nil one'],
  ['say(msg:binding_group("g"), msg:binding())', 'g one'],
  [
    'say(s(msg:binding_group("nix")), s(msg:binding_group("empty")), msg:binding())',
    'nil nil default',
  ],
  ['say(E.config_get_binding_id_from_name("default"))', '0'],
  ['say(E.config_get_binding_id_from_name("nix"))', '-1'],
  ['say(E.config_get_binding_name_from_id(E.config_get_binding_id_from_name("two")))', 'two'],
  ['say(s(E.config_get_binding_name_from_id(99)))', 'nil'],
  ['say(E.config_get_binding_group_size("g"), E.config_get_binding_group_size("nix"))', '2 -1'],
  [
    'msg:binding("alone") say(msg.binding_slot == E.config_get_binding_id_from_name("alone") and 1 or 0)',
    '1',
  ],
  [
    'say(s(P.set_binding({ ec_message = msg }, {}, { binding = "one, one" })), msg:binding())',
    'true one',
  ],
  [
    'say(s(P.set_binding({ ec_message = msg }, {}, { binding = "nix" })), msg:binding())',
    'false default',
  ],
  [
    'say(s(P.set_binding_group({ ec_message = msg }, {}, { binding_group = "g" })), msg:binding())',
    'true one',
  ],
  [
    'say(s(select(2, pcall(msg.binding, msg, {}))))',
    'msg:binding: bad argument #1 (string expected, got table): name',
  ],
])('%s', async (code, expected) => {
  expect((await run(code)).said).toEqual([expected])
})

test('the copy has what was chosen', async () => {
  const { subject } = await run('msg:binding_group("g")')
  expect(subject.msg.current.envelope.egress).toEqual({ binding: 'one', group: 'g' })
})

test('elsewhere a binding is neither read nor set', async () => {
  const source = `msys.registerModule("b", { validate_data = function(self, msg)
    print(tostring(select(2, pcall(msg.binding, msg)))) return 0 end })`
  const { policy, panics, close } = await policyOf({ b: source }, { bindings })
  await policy.openSession().run('validate_data', subjectOf().subject)
  await close()
  expect(panics.join()).toContain(
    'msg:binding is not allowed in validate_data (only in: validate_set_binding)',
  )
})

test.each([
  ['550 5.1.1 no such user', '10 Invalid Recipient there is no such recipient'],
  ['452 4.2.2 over quota', '22 Mailbox Full the mailbox has no room'],
  ['500 hm', '1 Undetermined nothing is known of the reason'],
])('msys.bounce.classify_smtp_response(%j)', async (reply, expected) => {
  const { said } = await run(`say(msys.bounce.classify_smtp_response("${reply}", "x.example"))`)
  expect(said).toEqual([expected])
})
