// What the world answers in a rehearsal.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeClock } from '../../src/rehearsal/clock.ts'
import { readConfiguration } from '../../src/rehearsal/configuration.ts'
import { readFixtures } from '../../src/rehearsal/fixtures.ts'
import { openRehearsal, rehearse } from '../../src/rehearsal/rehearsal.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-fixtures-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** What a callout says, and its trace, with these answers; `say` joins what it is given. */
async function played(lua: string, fixtures = '{}') {
  const path = join(folder, 'p.lua')
  await writeFile(
    path,
    `local mod = {}
     local function say(...) local t = {...} for i = 1, select("#", ...) do t[i] = tostring(t[i]) end print(table.concat(t, " ")) end
     function mod:validate_data(msg, ac, vctx) ${lua} return msys.core.VALIDATE_CONT end
     msys.registerModule("p", mod)`,
  )
  const text = `datasource "d" { uri = ( "sqlite:none.db" ) }
    esmtp_listener { listen "127.0.0.1:25" {} open_relay = true }`
  const { config } = readConfiguration({ scripts: [path], searchPath: [], text })
  const rehearsal = await openRehearsal({ config, fixtures: readFixtures(fixtures) })
  const mail = {
    mailfrom: 'a@b.example',
    rcpttos: ['c@d.example'],
    message: Buffer.from('Subject: a\n\nb\n'),
  }
  const { trace } = await rehearse(rehearsal, { mails: [mail] })
  await rehearsal.close()
  const [record] = trace
  return { prints: record?.prints, result: record?.result, outside: record?.outside }
}

describe('a rehearsal', () => {
  test('answers DNS from its fixtures, and notes it', async () => {
    const { prints, outside } = await played(
      'local r, e = msys.dnsLookup("Example.com", "mx") say(r and r[1] or e)',
      '{"dns": {"MX example.com": ["10 mx.example.com"]}}',
    )
    expect(prints).toEqual(['mx.example.com'])
    expect(outside).toEqual([
      { service: 'dns', request: 'MX Example.com', answer: '10 mx.example.com', ms: 0 },
    ])
  })

  test('answers databases from its fixtures, and notes what was asked and what was kept', async () => {
    const query = 'for row in msys.db.query("d", "select a  from t") do say(row.a) end'
    const { prints, outside } = await played(
      `${query} ${query}`,
      '{"database": {"select a from t": [{"a": "x"}, {"a": null}]}}',
    )
    expect(prints).toEqual(['x', 'nil', 'x', 'nil'])
    const asked = { service: 'database', request: 'select a  from t', ms: 0 }
    expect(outside).toEqual([
      { ...asked, answer: '2 rows' },
      { ...asked, answer: '2 rows, kept from before' },
    ])
  })

  test('refuses by name what its fixtures do not answer', async () => {
    const { result } = await played('msys.dnsLookup("example.com", "a")')
    expect(result).toMatch(/^error: .*a rehearsal asks nobody.*dns answer for "A example\.com"/)
  })

  test('lets time go on where policy sleeps, without waiting', async () => {
    const { prints } = await played('local a = os.time() msys.sleep(30) say(os.time() - a)')
    expect(prints).toEqual(['30'])
  })

  test('rolls its dice the same every time, or as fixtures say', async () => {
    const roll = 'say(math.random(100), math.random(100))'
    expect(await played(roll)).toEqual(await played(roll))
    expect((await played(roll, '{"random": [0, 0.99]}')).prints).toEqual(['1 100'])
  })
})

describe('fixtures', () => {
  test.each([
    ['[', /^no JSON: /],
    ['[]', /^the file: expected an object/],
    ['{"smtp": {}}', /^"smtp": expected dns, http, database or random/],
    ['{"dns": {"A a": []}}', /^dns "A a": expected a list of records/],
    ['{"http": {"GET x": 5}}', /^http "GET x": expected an object/],
    ['{"database": {"select 1": {"a": 1}}}', /^database "select 1": expected a list of rows/],
    ['{"random": [1]}', /^random: expected a list of numbers/],
  ])('say what is wrong with %s', (json, complaint) => {
    expect(() => readFixtures(json)).toThrow(complaint)
  })

  test('are read into answers', () => {
    const { http, database } = readFixtures(
      `{"http": {"GET https://a.example/": {"headers": {"X-A": "é"}, "body": {"a": 1}}, "GET b": "down"},
        "database": {"select  *\\n from t": [{"a": 1, "b": null}], "delete from t": "locked"}}`,
    )
    expect([...http]).toEqual([
      [
        'GET https://a.example/',
        {
          kind: 'answered',
          status: 200,
          statusText: '',
          headerLines: ['X-A: Ã©'],
          body: '{"a":1}',
          url: 'https://a.example/',
        },
      ],
      ['GET b', { kind: 'failed', text: 'down', code: 7 }],
    ])
    expect([...database]).toEqual([
      ['select * from t', { kind: 'rows', columns: ['a', 'b'], rows: [[1, null]] }],
      ['delete from t', { kind: 'failed', text: 'locked' }],
    ])
  })
})

test('the clock runs what is due, in its order', () => {
  const clock = makeClock(1000)
  const ran: string[] = []
  clock.after(50, () => ran.push(`b ${clock.nowMs()}`))
  clock.after(20, () => ran.push(`a ${clock.nowMs()}`))
  const cancel = clock.after(30, () => ran.push('never'))
  cancel()
  clock.advance(20)
  expect(ran).toEqual(['a 1020'])
  expect(clock.step()).toBe(true)
  expect(ran).toEqual(['a 1020', 'b 1050'])
  expect(clock.step()).toBe(false)
})
