import { describe, expect, test } from 'vitest'
import { PHASES } from '../../src/policy/phases.ts'
import { policyOf, subjectOf, type TestPolicy } from '../support/policy.ts'

async function runOnce(test: TestPolicy, callout = 'validate_data') {
  const { subject } = subjectOf()
  const outcome = await test.policy.openSession().run(callout as 'validate_data', subject)
  await test.close()
  return { outcome, verdict: subject.vctx.verdict, panics: test.panics }
}

const says = (name: string, body: string) =>
  `msys.registerModule("${name}", { validate_data = function(self, msg, ac, vctx)
     print("${name}") ${body} end })`

describe('the chain of scripts', () => {
  test('scripts run in stanza order while they return CONT', async () => {
    const cont = 'return msys.core.VALIDATE_CONT'
    const policy = await policyOf({ b: says('b', cont), a: says('a', cont) })
    const { outcome, panics } = await runOnce(policy)
    expect(outcome).toEqual({ kind: 'done' })
    expect(panics).toEqual(['scriptlet: b', 'scriptlet: a'])
  })

  test('DONE ends the phase and is no rejection', async () => {
    const done = says('a', 'return msys.core.VALIDATE_DONE')
    const { verdict, panics } = await runOnce(await policyOf({ a: done, b: says('b', 'return 0') }))
    expect(panics).toEqual(['scriptlet: a'])
    expect(verdict.code).toBe(0)
  })

  test('after a rejection the remaining scripts do not run, and the code stands', async () => {
    const reject = says('a', 'vctx:set_code(550, "no") return msys.core.VALIDATE_CONT')
    const { verdict, panics } = await runOnce(
      await policyOf({ a: reject, b: says('b', 'return 0') }),
    )
    expect(panics).toEqual(['scriptlet: a'])
    expect(verdict).toMatchObject({ code: 550, note: 'no' })
  })

  test("a policy's own pcall cannot swallow a rejection", async () => {
    const body = 'pcall(function() vctx:set_code(550, "no") error("x") end) return 0'
    const { verdict } = await runOnce(await policyOf({ a: says('a', body) }))
    expect(verdict.code).toBe(550)
  })

  test('AGAIN calls the same callout again', async () => {
    const body = 'self.n = (self.n or 0) + 1 return self.n < 3 and msys.core.VALIDATE_AGAIN or 0'
    const { outcome, panics } = await runOnce(await policyOf({ a: says('a', body) }))
    expect(outcome).toEqual({ kind: 'done' })
    expect(panics).toHaveLength(3)
  })

  test('AGAIN without end fails when the wall clock of a callout is used up', async () => {
    const body = 'return msys.core.VALIDATE_AGAIN'
    const budget = { cpuMs: 500, wallMs: 200, allocBytes: 2 ** 26, maxStringBytes: 2 ** 24 }
    const { outcome } = await runOnce(await policyOf({ a: says('a', body) }, { budget }))
    expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining('AGAIN') })
  })
})

describe('a callout that goes wrong', () => {
  test('raises: the phase fails, with the two lines of paniclog', async () => {
    const { outcome, panics } = await runOnce(await policyOf({ a: says('a', 'nosuch("x")') }))
    expect(outcome.kind).toBe('failed')
    expect(panics[1]).toMatch(
      /^scriptlet-00147: validate_data error: .*a\.lua:2: .*global 'nosuch'/,
    )
    expect(panics[2]).toMatch(/^scriptlet-00239: a error: /)
  })

  test('returns nothing: the two lines, and the message goes on', async () => {
    const { outcome, panics } = await runOnce(await policyOf({ a: says('a', '') }))
    expect(outcome).toEqual({ kind: 'done' })
    expect(panics.slice(1)).toEqual([
      'scriptlet-00147: validate_data error: (null)',
      'scriptlet-00239: a error: (null)',
    ])
  })

  test('returns nothing with on_bad_return = tempfail: the phase fails', async () => {
    const policy = await policyOf({ a: says('a', '') }, { onBadReturn: 'tempfail' })
    expect((await runOnce(policy)).outcome.kind).toBe('failed')
  })

  test.each(['"yes"', '7', 'true', '{}'])(
    'returns %s, no verdict: the phase fails',
    async (value) => {
      const policy = await policyOf({ a: says('a', `return ${value}`) })
      expect((await runOnce(policy)).outcome).toMatchObject({
        kind: 'failed',
        reason: expect.stringContaining('no verdict'),
      })
    },
  )

  test.each([
    'while true do end',
    'while true do pcall(function() while true do end end) end',
    'local s = "x" while true do s = s .. s end',
    'string.find(("a"):rep(1e5), ".-.-.-.-b$")',
    'local function f() return 1 + f() end f()',
    'error(setmetatable({}, { __tostring = function() error("again") end }))',
  ])('%s: the phase fails and the next callout runs', async (body) => {
    const budget = { cpuMs: 50, wallMs: 2000, allocBytes: 2 ** 24, maxStringBytes: 2 ** 22 }
    const source = `msys.registerModule("a", {
      validate_data = function(self, msg, ac, vctx) ${body} end,
      validate_connect = function() print("alive") return 0 end })`
    const test = await policyOf({ a: source }, { budget })
    const session = test.policy.openSession()
    const outcome = await session.run('validate_data', subjectOf().subject)
    expect(outcome.kind).toBe('failed')
    expect(await session.run('validate_connect', subjectOf().subject)).toEqual({ kind: 'done' })
    expect(test.panics.at(-1)).toBe('scriptlet: alive')
    await test.close()
  })

  test('in validate_set_binding it is logged and the message goes on', async () => {
    const source = 'msys.registerModule("a", { validate_set_binding = function() error("x") end })'
    const { outcome, panics } = await runOnce(await policyOf({ a: source }), 'validate_set_binding')
    expect(outcome).toEqual({ kind: 'done' })
    expect(panics[0]).toContain('validate_set_binding error')
  })
})

test.each([
  [0, { kind: 'done' }],
  [1, { kind: 'final', result: 'reject' }],
  [2, { kind: 'final', result: 'defer' }],
])('core_final_validation2 decides by its result %i', async (result, outcome) => {
  const source = `msys.registerModule("a", { core_final_validation2 = function() return ${result} end })`
  const done = await runOnce(await policyOf({ a: source }), 'core_final_validation2')
  expect(done.outcome).toEqual(outcome)
})

describe('self', () => {
  test('is a table of the session that falls back on the module', async () => {
    const source = `msys.registerModule("a", { helper = function() return "h" end,
      validate_connect = function(self) self.seen = (self.seen or 0) + 1
        print(self.helper() .. self.seen) for k in pairs(self) do self[k] = nil end
        self.kept = "k" return 0 end,
      validate_data = function(self) print(tostring(self.seen) .. tostring(self.kept)) return 0 end,
      validate_dealloc = function(self) print("gone " .. self.kept) end })`
    const { policy, panics, close } = await policyOf({ a: source })
    const [one, two] = [policy.openSession(), policy.openSession()]
    for (const session of [one, one, two])
      await session.run('validate_connect', subjectOf().subject)
    await one.run('validate_data', subjectOf().subject)
    await one.close()
    expect(panics).toEqual([
      'scriptlet: h1',
      'scriptlet: h1',
      'scriptlet: h1',
      'scriptlet: nilk',
      'scriptlet: gone k',
    ])
    await close()
  })

  test('validate_dealloc runs only where something of the module ran, and its error is only logged', async () => {
    const source = `msys.registerModule("a", { validate_connect = function() return 0 end,
      validate_dealloc = function() error("late") end })`
    const { policy, panics, close } = await policyOf({ a: source })
    await policy.openSession().close()
    expect(panics).toEqual([])
    const session = policy.openSession()
    await session.run('validate_connect', subjectOf().subject)
    await session.close()
    expect(panics[0]).toMatch(/validate_dealloc error: .*late/)
    await close()
  })
})

test('every callout gets the arguments of its row, by position', async () => {
  const callouts = PHASES.filter(
    ({ name, arguments: { length } }) => length > 0 && !name.startsWith('ac_auth'),
  )
  const functions = callouts.map(
    ({ name }) => `mod.${name} = function(self, ...)
      local t = {} for i = 1, select("#", ...) do local v = select(i, ...)
        t[i] = #tostring(v) > 0 and tostring(v):find("^userdata") and getmetatable(v) or tostring(v) end
      print("${name} " .. table.concat(t, "|")) return 0 end`,
  )
  const source = `local mod = {} ${functions.join('\n')} msys.registerModule("all", mod)`
  const { policy, panics, close } = await policyOf({ all: source })
  const session = policy.openSession()
  for (const { name } of callouts) await session.run(name, { ...subjectOf().subject, extra: EXTRA })
  const kinds = panics.map((line) => line.replace(/^scriptlet: /, '').split(' '))
  for (const [i, { name, arguments: expected }] of callouts.entries()) {
    const [said, values = ''] = [kinds[i]?.[0], kinds[i]?.slice(1).join(' ')]
    expect(said).toBe(name)
    expect([name, values.split('|')]).toEqual([
      name,
      expected.map((argument) =>
        argument === 'str'
          ? 'RCPT TO:<anna@rcpt.example>'
          : expect.stringMatching(KINDS[argument]!),
      ),
    ])
  }
  await close()
})

const EXTRA = {
  response: { kind: 'ec_string', text: 'r' },
  auth_info: new Map([['username', 'anna']]),
  auth_status: 1,
  flags: 0,
  now: 12.5,
  note: 'n',
  note_len: 1,
  dr: new Map([['domain', 'x.example']]),
  b: 7,
  phase: 4,
  format: 'text',
  args: 'a',
  event: 0,
  eventtype: 0,
  vclosure: 0,
  scope: undefined,
  buff: { kind: 'ec_string', text: 'r' },
  params: { kind: 'tls_params', useTls: 0, verify: 0, texts: new Map(), files: new Map() },
}

const KINDS: Readonly<Record<string, RegExp>> = {
  mc: /_message_construct/,
  response: /^r$/,
  auth_info: /^table/,
  auth_status: /^1$/,
  flags: /^0$/,
  now: /^12\.5$/,
  note: /^n$/,
  note_len: /^1$/,
  dr: /^table: /,
  b: /^7$/,
  phase: /^4$/,
  format: /^text$/,
  args: /^a$/,
  event: /^0$/,
  eventtype: /^0$/,
  vclosure: /^0$/,
  scope: /^nil$/,
  buff: /^r$/,
  params: /_ec_ssl_ctx_params/,
  msg: /_ec_message/,
  ac: /_accept_construct/,
  vctx: /_validate_context/,
  list_node: /_eclist_node/,
}
