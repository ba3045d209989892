// `msys.cidr`, from Lua: what may be defined, what a table says, and when it is loaded again.
import { describe, expect, test } from 'vitest'
import { closedOutside, machineClock } from '../../src/outside/closed.ts'
import type { DatasourceOptions } from '../../src/config/datasources.ts'
import type { Databases, Outside } from '../../src/outside/outside.ts'
import { policyOf, runLua, subjectOf } from '../support/policy.ts'

const SOURCE: DatasourceOptions = {
  name: 'prefs',
  uris: ['sqlite::memory:'],
  cacheSize: 100,
  cacheSeconds: 60,
  maxRows: 2,
  isUncached: false,
  maxConnections: 1,
  querySeconds: 10,
}

const LIST = `# a block list
:127.0.0.2:blocked, see http://bl.example/$
192.0.2.0/24
192.0.2.9 :127.0.0.9:worse
!192.0.2.77
198.51.100.1-198.51.100.4
2001:db8::/32 :127.0.0.6:six
what is this
`

/** An outside with these files, by path; a missing one cannot be read. */
function withFiles(files: Map<string, string>): Outside {
  const read = (path: string) => {
    const octets = files.get(path)
    return Promise.resolve(
      octets === undefined
        ? ({ kind: 'failed', text: 'No such file or directory' } as const)
        : ({ kind: 'read', octets } as const),
    )
  }
  const { files: closed } = closedOutside()
  return closedOutside({ files: { ...closed, read } })
}

const run = (code: string) => runLua(code, { outside: withFiles(new Map([['/rbl.txt', LIST]])) })

describe('what a table says', () => {
  const define = (options: string) =>
    `local q = msys.cidr.query msys.cidr.define("t", { type = "rbldnsd", source = "/rbl.txt" ${options} }) `
  test.each([
    [
      `${define('')} say(q("t"), q("t", "192.0.2.9"), q("t", "203.0.113.1"))`,
      '127.0.0.2 127.0.0.9 nil',
    ],
    [`${define(', value = "TXT"')} say(q("t", "192.0.2.9"))`, 'worse'],
    [`${define(', default_value = ""')} say(q("t", "203.0.113.1") == "")`, 'true'],
    [`${define(', default_value = false')} say(q("t", "203.0.113.1"))`, 'false'],
    [`${define(', default_value = "127.0.0.0"')} say(q("t", "192.0.2.77"))`, '127.0.0.0'],
    [`${define(', value = "txt"')} say(q("t", "192.0.2.5"))`, 'blocked, see http://bl.example/$'],
    [
      `${define(', value = "txt", interpolate = true')} say(q("t", "192.0.2.5"))`,
      'blocked, see http://bl.example/192.0.2.1',
    ],
    [`${define('')} say(q("t", ac), q("t", ac.remote_addr))`, '127.0.0.2 127.0.0.2'],
    [`${define('')} say(q("t", "198.51.100.3"), q("t", "198.51.100.5"))`, '127.0.0.2 nil'],
    [`${define('')} say(q("t", "2001:db8::7"))`, '127.0.0.6'],
    [`${define('')} say(q("t", "no address"))`, 'nil'],
    ['msys.cidr.define("e", "empty") say(msys.cidr.query("e"))', 'nil'],
    [
      'msys.cidr.define("e", { type = "empty", default_value = 7 }) msys.cidr.reload("e") say(msys.cidr.query("e"))',
      '7',
    ],
    ['say(msys.cidr.query("none"))', /msys\.cidr\.query: there is no table 'none'/],
    ['msys.cidr.reload("none")', /msys\.cidr\.reload: there is no table 'none'/],
    ['msys.cidr.query()', /bad argument #1 \(string expected, got nil\): name/],
    [
      `${define('')} q("t", {})`,
      /#2 \(string, accept construct or socket address expected, got table\)/,
    ],
    ['msys.cidr.reload({})', /bad argument #1 \(string expected, got table\): name/],
    [
      'msys.cidr.define("t")',
      /msys\.cidr\.define: bad argument #2 \(table or type expected, got nil\)/,
    ],
    ['msys.cidr.define("t", "rbldnsd")', /bad argument #2 \(string expected: source\)/],
    ['msys.cidr.define("t", "ldap")', /rbldnsd, datasource or empty expected: type/],
    [
      'msys.cidr.define("t", { type = "rbldnsd", source = "x", value = "mx" })',
      /'a' or 'txt' expected/,
    ],
    [
      'msys.cidr.define("t", { type = "empty", refresh = -1 })',
      /a number of seconds expected: refresh/,
    ],
    [
      'msys.cidr.define("t", { type = "empty", default_value = {} })',
      /boolean expected: default_value/,
    ],
  ])('%s', async (code, expected) => {
    const { said } = await run(code)
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  })

  test('lines that are not understood are counted in paniclog', async () => {
    const { lines } = await run(define(''))
    expect(lines[0]).toBe("msys.cidr 't': /rbl.txt: 1 lines are not understood")
  })
})

test('a table is loaded again when it is asked after its time; a failed load leaves what there was', async () => {
  let nowMs = 0
  const files = new Map([['/rbl.txt', '192.0.2.1 :127.0.0.3']])
  const outside: Outside = {
    ...withFiles(files),
    clock: { ...machineClock(), nowMs: () => nowMs },
  }
  const source = `msys.registerModule("t", {
    init = function()
      msys.cidr.define("t", { type = "rbldnsd", source = "/rbl.txt", refresh = 60 }) return true end,
    validate_connect = function(self, ac, vctx)
      print(tostring(msys.cidr.query("t"))) return msys.core.VALIDATE_CONT end })`
  const { policy, panics, close } = await policyOf({ t: source }, { outside })
  const ask = async (laterMs: number) => {
    nowMs += laterMs
    await policy.openSession().run('validate_connect', subjectOf().subject)
    await new Promise(setImmediate)
  }
  await ask(59_999)
  files.set('/rbl.txt', '192.0.2.1 :127.0.0.4')
  await ask(1)
  await ask(0)
  files.delete('/rbl.txt')
  await ask(60_000)
  await ask(0)
  await close()
  expect(panics.map((line) => line.replace('scriptlet: ', ''))).toEqual([
    '127.0.0.3',
    '127.0.0.3',
    '127.0.0.4',
    '127.0.0.4',
    "msys.cidr 't': /rbl.txt: No such file or directory",
    '127.0.0.4',
  ])
})

test('without a session an address is needed', async () => {
  const source = `msys.cidr.define("e", "empty") print(select(2, pcall(msys.cidr.query, "e")))
    print(tostring(msys.cidr.query("e", "192.0.2.1")))`
  const { panics, close } = await policyOf({ t: source })
  await close()
  expect(panics[0]).toMatch(/msys\.cidr\.query: there is no session here/)
  expect(panics[1]).toBe('scriptlet: nil')
})

describe('from a data source', () => {
  const databases: Databases = {
    open: () => ({
      run: ({ sql, maxRows }) =>
        Promise.resolve(
          sql === 'nets' && maxRows === undefined
            ? {
                kind: 'rows',
                columns: ['note', 'net'],
                rows: [
                  ['good', '192.0.2.0/24'],
                  [7, '198.51.100.1'],
                  [null, '203.0.113.1'],
                  ['bad', 'no net'],
                ],
              }
            : { kind: 'failed', text: 'no such table' },
        ),
      close: () => Promise.resolve(),
    }),
  }
  const runWith = (options: string, code: string) =>
    runLua(
      `local q = msys.cidr.query
       msys.cidr.define("t", { type = "datasource", cachename = "prefs", ${options} }) ${code}`,
      { outside: { databases }, options: { datasources: [SOURCE] } },
    )

  test.each([
    [
      'query = "nets", cidr_column = "net", value_column = "note"',
      'say(q("t"), q("t", "198.51.100.1"), q("t", "203.0.113.1") == "", q("t", "10.0.0.1"))',
      'good 7 true nil',
    ],
    ['query = "nets", cidr_column = 2, value_column = 1', 'say(q("t"))', 'good'],
    ['query = "nets", cidr_column = 2', 'say(q("t"))', 'true'],
    ['query = "other"', 'say(q("t"))', 'nil'],
  ])('%s %s', async (options, code, expected) => {
    expect((await runWith(options, code)).said).toBe(expected)
  })

  test.each([
    ['query = "nets", cidr_column = 2', `datasource "prefs": 1 rows have no network`],
    ['query = "nets", cidr_column = "none"', `datasource "prefs": there is no such column`],
    ['query = "other"', `datasource "prefs": no such table`],
  ])('%s: paniclog says what is wrong', async (options, text) => {
    expect((await runWith(options, '')).lines[0]).toBe(`msys.cidr 't': ${text}`)
  })

  test.each([
    ['cachename = "none", query = "a"', /msys\.cidr\.define: there is no datasource "none"/],
    ['query = nil', /bad argument #2 \(string expected: query\)/],
  ])('%s raises', async (options, expected) => {
    expect((await runWith(options, '')).said).toMatch(expected)
  })
})
