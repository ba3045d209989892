// Functions that wait, and what runs beside callouts, from Lua on a clock of the test's own.
import { afterEach, describe, expect, test } from 'vitest'
import { closedOutside } from '../../src/outside/closed.ts'
import { type LockKeeper, namedLocks } from '../../src/policy/locks.ts'
import type { CalloutName } from '../../src/policy/phases.ts'
import { manualClock } from '../support/clock.ts'
import { BUDGET, policyOf, runLua, subjectOf, type TestPolicy } from '../support/policy.ts'

// A busy machine must not kill what is no attack.
const PATIENT = { ...BUDGET, cpuMs: 10_000 }

const open: TestPolicy[] = []
afterEach(async () => {
  for (const policy of open.splice(0)) await policy.close()
})

/** A policy whose callouts have these bodies, and a clock that stands still. */
async function start(
  callouts: Readonly<Record<string, string>>,
  top = '',
  budget = PATIENT,
  keeper?: LockKeeper,
) {
  const bodies = Object.entries(callouts).map(
    ([name, body]) => `${name} = function(self) ${body} return msys.core.VALIDATE_CONT end,`,
  )
  const register = bodies.length > 0 ? `msys.registerModule("a", { ${bodies.join('\n')} })` : ''
  const source = `${top} ${register}`
  const clock = manualClock(1_000_000)
  const locks = namedLocks({ nowMs: clock.nowMs, keeper: () => keeper })
  const test = await policyOf({ a: source }, { outside: closedOutside({ clock }), budget, locks })
  open.push(test)
  const run = (callout: string) =>
    test.policy.openSession().run(callout as CalloutName, subjectOf().subject)
  const said = () => test.panics.map((line) => line.replace(/^scriptlet: /, ''))
  return { clock, run, said, policy: test.policy }
}

describe('arguments', () => {
  test.each([
    ['msys.sleep()', 'msys.sleep: bad argument #1 (number expected, got nil): seconds'],
    ['msys.sleep("soon")', 'msys.sleep: bad argument #1 (number expected, got string): seconds'],
    ['msys.lock()', 'msys.lock: bad argument #1 (string expected, got nil): name'],
    ['msys.lock({})', 'msys.lock: bad argument #1 (string expected, got table): name'],
    ['msys.unlock("a")', 'msys.unlock: this callout does not hold "a"'],
    ['msys.lock("a") msys.lock("a")', 'msys.lock: this callout holds "a" already'],
    ['msys.runInPool("IO")', 'msys.runInPool: bad argument #2 (function expected, got nil): run'],
    [
      'msys.runInPool("IO", print, 1)',
      'msys.runInPool: bad argument #3 (function or boolean expected, got number): completion',
    ],
    ['msys.timer.after(1)', 'msys.timer.after: bad argument #2 (function expected, got nil): run'],
    ['msys.timer.every(0, print)', 'msys.timer.every: bad argument #1 (not above 0): seconds'],
    [
      'msys.timer.at({}, print)',
      'msys.timer.at: bad argument #1 (number expected, got table): time',
    ],
    ['table.sort({ 1, 2 }, function() msys.sleep(1) end)', 'msys.sleep cannot wait here'],
  ])('%s raises', async (code, text) => {
    expect((await runLua(code)).said).toContain(text)
  })
})

describe('msys.sleep', () => {
  test('waits so long, while others are served', async () => {
    const { clock, run, said } = await start({
      validate_connect: 'msys.sleep(0.5) print("slept")',
      validate_ehlo: 'print("served")',
    })
    const sleeping = run('validate_connect')
    await clock.advance(499)
    expect(run('validate_ehlo')).toEqual({ kind: 'done' })
    expect(said()).toEqual(['served'])
    await clock.advance(1)
    expect(await sleeping).toEqual({ kind: 'done' })
    expect(said()).toEqual(['served', 'slept'])
  })

  test('may stand at the top level of a script', async () => {
    const policy = await policyOf({ a: 'msys.sleep(0.001) print("slept")' })
    open.push(policy)
    expect(policy.panics).toEqual(['scriptlet: slept'])
  })
})

describe('named locks', () => {
  test('callouts that want one get it in their order', async () => {
    const { clock, run, said } = await start({
      validate_connect: 'msys.lock("x") print("first") msys.sleep(1) msys.unlock("x")',
      validate_ehlo: 'msys.lock("x") print("second") msys.sleep(1)',
      validate_mailfrom: 'msys.lock("x") print("third")',
      validate_rcptto: 'msys.lock("y") print("other name")',
    })
    const all = [run('validate_connect'), run('validate_ehlo'), run('validate_mailfrom')]
    void run('validate_rcptto')
    expect(said()).toEqual(['first', 'other name'])
    await clock.advance(1_000)
    expect(said()).toEqual(['first', 'other name', 'second'])
    // It ends without giving it back.
    await clock.advance(1_000)
    expect(said()).toEqual(['first', 'other name', 'second', 'third'])
    for (const one of all) await one
  })

  test('a callout that is killed gives back what it holds', async () => {
    const { run, said } = await start(
      {
        validate_connect: 'msys.lock("x") msys.sleep(3600)',
        validate_ehlo: 'msys.lock("x") print("mine")',
      },
      '',
      { ...BUDGET, wallMs: 50 },
    )
    const killed = run('validate_connect')
    const waiting = run('validate_ehlo')
    expect(await killed).toMatchObject({ kind: 'failed' })
    expect(await waiting).toEqual({ kind: 'done' })
    expect(said()).toContain('mine')
  })
})

/** Gives locks to whoever asks, when the test says so, and says what it is asked. */
function testKeeper(lost?: string) {
  const asked: string[] = []
  const grants: (() => void)[] = []
  const keeper: LockKeeper = {
    acquire(name, signal) {
      asked.push(`acquire ${name}`)
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => {
          asked.push(`leave ${name}`)
          reject(new Error('nobody waits'))
        })
        const release = async () => (asked.push(`release ${name}`), lost)
        grants.push(() => resolve({ fence: 40 + grants.length, release }))
      })
    },
  }
  return { keeper, asked, grant: () => grants.shift()?.() }
}

describe('named locks that are shared with other processes', () => {
  test('are asked for by one callout at a time, and given back when that ends', async () => {
    const { keeper, asked, grant } = testKeeper()
    const callouts = {
      validate_connect: 'print(msys.lock("x"))',
      validate_ehlo: 'print(msys.lock("x")) msys.unlock("x") print("free")',
    }
    const { run, said } = await start(callouts, '', PATIENT, keeper)
    const both = [run('validate_connect'), run('validate_ehlo')]
    grant()
    await both[0]
    expect(asked).toEqual(['acquire x', 'release x', 'acquire x'])
    grant()
    expect(await both[1]).toEqual({ kind: 'done' })
    expect([said(), asked.at(-1)]).toEqual([['40', '40', 'free'], 'release x'])
  })

  test('a callout that is killed leaves the line, or gives back what it has', async () => {
    const { keeper, asked, grant } = testKeeper()
    const budget = { ...BUDGET, wallMs: 50 }
    const callouts = { validate_connect: 'msys.lock("x") msys.sleep(3600)' }
    const { run } = await start(callouts, '', budget, keeper)
    expect(await run('validate_connect')).toMatchObject({ kind: 'failed' })
    expect(asked.splice(0)).toEqual(['acquire x', 'leave x'])
    grant()
    const holding = run('validate_connect')
    grant()
    expect(await holding).toMatchObject({ kind: 'failed' })
    expect(asked).toEqual(['acquire x', 'release x'])
  })

  test('one that cannot be had, or was lost, raises with the reason', async () => {
    const refusing: LockKeeper = { acquire: () => Promise.reject(new Error('redis is away')) }
    const code = 'print(pcall(msys.lock, "x")) print(pcall(msys.unlock, "x"))'
    const refused = await start({ validate_connect: code }, '', PATIENT, refusing)
    await refused.run('validate_connect')
    expect(refused.said()).toEqual([
      'false\tmsys.lock: "x" cannot be had: redis is away',
      'false\tmsys.unlock: this callout does not hold "x"',
    ])
    const { keeper, grant } = testKeeper('its lease ran out')
    const lost = await start({ validate_connect: code }, '', PATIENT, keeper)
    const running = lost.run('validate_connect')
    grant()
    await running
    expect(lost.said()).toEqual(['true\t40', 'false\tmsys.unlock: "x" was lost: its lease ran out'])
  })

  test('numbers of one process grow, also within a millisecond', async () => {
    const code = 'for i = 1, 3 do print(msys.lock("x")) msys.unlock("x") end'
    const { run, said } = await start({ validate_connect: code })
    await run('validate_connect')
    expect(said()).toEqual(['1000000', '1000001', '1000002'])
  })
})

describe('msys.runInPool', () => {
  test.each([
    ['say(msys.runInPool("IO", function() return "a", 2 end))', 'true a 2'],
    ['say(msys.runInPool("CPU", function() msys.sleep(0.001) return "slept" end))', 'true slept'],
    ['say(msys.runInPool(1, function() end))', 'true'],
    ['say(msys.runInPool("IO", function() error({}) end))', 'false {}'],
    ['say(msys.runInPool("IO", function() error("bad", 0) end, false))', 'false bad'],
    ['say(msys.runInInst(nil, function() return 1 end))', 'true 1'],
  ])('%s', async (code, expected) => {
    expect((await runLua(code)).said).toBe(expected)
  })

  test('with true it runs after the callout, which gets no results', async () => {
    const { clock, run, said } = await start({
      validate_connect: `
        local s = "shared"
        print(select("#", msys.runInPool("IO", function() print("later", s, _TLS.mine) end, true)))
        s = "changed" _TLS.mine = "tls" print("callout")`,
    })
    void run('validate_connect')
    expect(said()).toEqual(['0', 'callout'])
    await clock.advance(0)
    expect(said()).toEqual(['0', 'callout', 'later\tchanged\ttls'])
  })

  test('with a function that runs when the other is done, even if that fails', async () => {
    const { clock, run, said } = await start({
      validate_connect: `msys.runInPool("IO",
        function() msys.sleep(1) error("broken", 0) end,
        function() print("completed") end, msys.core.ECTP_COMPLETE_CALLBACK_SCHED)`,
    })
    void run('validate_connect')
    await clock.advance(999)
    expect(said()).toEqual([])
    await clock.advance(1)
    expect(said()).toEqual(['msys.runInPool error: broken', 'completed'])
  })

  test('what a killed callout asked for does not run', async () => {
    const body = 'msys.runInPool("IO", function() print("later") end, true) while true do end'
    const budget = { ...BUDGET, cpuMs: 20 }
    const { clock, run, said } = await start({ validate_connect: body }, '', budget)
    await run('validate_connect')
    await clock.advance(10)
    expect(said().join()).not.toContain('later')
  })

  test('10,000 closures may wait', async () => {
    const body = `for i = 1, 10000 do msys.runInPool("IO", function() end, true) end
      print(pcall(msys.runInPool, "IO", function() end, true))`
    const { run, said } = await start({ validate_connect: body })
    await run('validate_connect')
    const refused = /^false\t.*10000 timers and closures wait already/
    expect(said()).toEqual([expect.stringMatching(refused)])
  })
})

describe('msys.timer', () => {
  test('after fires once', async () => {
    const { clock, said } = await start({}, 'msys.timer.after(10, function() print("due") end)')
    await clock.advance(9_999)
    expect(said()).toEqual([])
    await clock.advance(50_000)
    expect(said()).toEqual(['due'])
  })

  test('at fires at a time, at once when it has passed', async () => {
    const { clock, said } = await start(
      {},
      `msys.timer.at(1010, function() print("future") end)
       msys.timer.at(5, function() print("past") end)`,
    )
    await clock.advance(0)
    expect(said()).toEqual(['past'])
    await clock.advance(10_000)
    expect(said()).toEqual(['past', 'future'])
  })

  test('every goes on after an error, and does not overtake itself', async () => {
    const { clock, said } = await start(
      {},
      `n = 0
       t = msys.timer.every(2, function()
         n = n + 1 print("tick " .. n)
         if n == 1 then error("bad tick", 0) end
         msys.sleep(3)
       end, "ticker")`,
    )
    await clock.advance(2_000)
    expect(said()).toEqual(['tick 1', 'msys.timer ticker error: bad tick'])
    await clock.advance(2_000)
    await clock.advance(4_999)
    expect(said().slice(2)).toEqual(['tick 2'])
    await clock.advance(1)
    expect(said().slice(2)).toEqual(['tick 2', 'tick 3'])
  })

  test('stop, start and name', async () => {
    const { clock, run, said } = await start(
      {
        validate_connect: 't:stop() print(t:name(), t)',
        validate_ehlo: 't:start()',
        validate_mailfrom: 'print(pcall(t.stop, 1))',
      },
      't = msys.timer.after(10, function() print("due") end, "once")',
    )
    void run('validate_connect')
    await clock.advance(20_000)
    expect(said()).toEqual(['once\tonce'])
    void run('validate_ehlo')
    await clock.advance(9_999)
    expect(said()).toHaveLength(1)
    await clock.advance(1)
    expect(said()).toEqual(['once\tonce', 'due'])
    void run('validate_mailfrom')
    expect(said()[2]).toContain("calling 'stop' on bad self")
  })

  test('the timers of a policy that was replaced, closed or never loaded do not fire', async () => {
    const top = 'msys.timer.every(1, function() print("tick") end)'
    const { clock, said, policy } = await start({}, top)
    policy.retire()
    await clock.advance(5_000)
    expect(said()).toEqual([])

    const other = manualClock()
    const panics: string[] = []
    const options = {
      outside: closedOutside({ clock: other }),
      panic: (_: string, text: string) => void panics.push(text),
    }
    await expect(policyOf({ a: `${top} error("no")` }, options)).rejects.toThrow('no')
    await other.advance(5_000)
    expect(panics).toEqual([])
  })

  test('a message that is over is refused in a timer, a snapshot is not', async () => {
    const source = `msys.registerModule("a", { validate_data_spool = function(self, msg)
        local snap = msg:snapshot()
        msys.timer.after(1, function()
          print(pcall(msg.mailfrom, msg))
          print(snap:mailfrom())
        end)
        return msys.core.VALIDATE_CONT
      end })`
    const clock = manualClock()
    const test = await policyOf({ a: source }, { outside: closedOutside({ clock }) })
    open.push(test)
    const { subject } = subjectOf()
    await test.policy.openSession().run('validate_data_spool', subject)
    subject.msg.gone = 'the transaction is over'
    await clock.advance(1_000)
    expect(test.panics[0]).toContain('message is gone (the transaction is over)')
    expect(test.panics[1]).toBe('scriptlet: news@sender.example')
  })
})
