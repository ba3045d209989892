// Recorded sessions played again, and two policies compared, on the command line.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cases } from '../../src/cli/cases.ts'
import { diffPolicy } from '../../src/cli/diffpolicy.ts'
import { record } from '../../src/cli/record.ts'
import { replay } from '../../src/cli/replay.ts'
import { captured } from '../support/captured.ts'
import { type Finished, MAIN, run } from '../support/process.ts'
import { send, serverPerTest } from '../support/server.ts'

const policy = (code: number, header: string) => `
local mod = {}
function mod:validate_rcptto(msg, str, ac, vctx)
  if string.match(tostring(str), "blocked") then vctx:set_code(${code}, "5.7.1 not here") end
  return msys.core.VALIDATE_CONT
end
function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
  msg:header("X-Policy", "${header}")
  msg:context_set(msys.core.ECMESS_CTX_MESS, "seen", "${header}")
  return msys.core.VALIDATE_CONT
end
msys.registerModule("policy", mod)`

/** As a recorder writes it; the client pipelines. */
const CASE = [
  {
    session: 1,
    peer: '192.0.2.7',
    began: '2026-11-25T08:00:00.000Z',
    redacted: false,
    captured: false,
  },
  { reply: '220 mx.example.com ESMTP' },
  { command: 'EHLO client.example' },
  { reply: '250-mx.example.com\n250 PIPELINING' },
  { command: 'MAIL FROM:<news@sender.example> SIZE=100' },
  { command: 'RCPT TO:<ann@x.example>' },
  { command: 'RCPT TO:<bob@blocked.example>' },
  { command: 'DATA' },
  { reply: '250 2.1.0 ok' },
  { reply: '250 2.1.5 ok' },
  { reply: '550 5.7.1 not here' },
  { reply: '354 go on' },
  {
    message:
      'Subject: hi\r\nContent-Type: text/html\r\n\r\n<a href="https://shop.example/">x</a>\r\n',
  },
  { reply: '250 2.0.0 OK 5F/3A-12345-00C0FFEE' },
  { command: 'QUIT' },
  { reply: '221 bye' },
  { end: 'quit' },
]

let folder: string

const path = (name: string): string => join(folder, name)
const write = (name: string, text: string): Promise<void> => writeFile(path(name), text)
const eachrcpt = (...args: readonly string[]): Promise<Finished> =>
  run(process.execPath, [MAIN, ...args], { cwd: folder })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-replay-'))
  await write('case.session', CASE.map((line) => `${JSON.stringify(line)}\n`).join(''))
  await write('old.lua', policy(550, 'one'))
  await write('new.lua', policy(451, 'two'))
})

afterEach(() => rm(folder, { recursive: true }))

describe('replay', () => {
  test('finds no difference where there is none', async () => {
    expect(await eachrcpt('replay', 'case.session', 'old.lua')).toEqual({
      code: 0,
      stdout: '1 sessions, 1 messages: no difference\n',
      stderr: '',
    })
  })

  test('tells replies that differ, by phase', async () => {
    const { code, stdout } = await eachrcpt('replay', '.', 'new.lua')
    expect(stdout).toBe(
      [
        'case.session',
        '  rcptto  RCPT TO:<bob@blocked.example>',
        '    - 550 5.7.1 not here',
        '    + 451 5.7.1 not here',
        '1 sessions, 1 messages: 1 differ (rcptto 1)',
        '',
      ].join('\n'),
    )
    expect(code).toBe(1)
  })

  test('compares what is delivered and the context with what --update wrote', async () => {
    expect(await eachrcpt('replay', 'case.session', 'old.lua', '--update')).toMatchObject({
      code: 0,
    })
    const golden = await readFile(path('case.session'), 'utf8')
    expect(golden).toMatch(
      /^\{"delivered":"ann@x\.example","mailfrom":"news@sender\.example","context":\{[^}]*"seen":"one"/m,
    )
    expect(await eachrcpt('replay', 'case.session', 'old.lua')).toMatchObject({ code: 0 })
    // Another machine, another day: tokens, ids and dates are no difference.
    await write(
      'case.session',
      golden
        .replaceAll(/\/f\/a\/[\w-]{30}/g, `/f/a/${'Z'.repeat(40)}`)
        .replaceAll('2026-11-25', '2026-12-24'),
    )
    expect(await eachrcpt('replay', 'case.session', 'old.lua')).toMatchObject({ code: 0 })
    const { stdout, code } = await eachrcpt('replay', 'case.session', 'new.lua', '--json')
    expect(code).toBe(1)
    const { summary, sessions } = JSON.parse(stdout) as {
      summary: unknown
      sessions: { differences: { phase: string; about: string; recorded: string[] }[] }[]
    }
    expect(summary).toEqual({
      sessions: 1,
      messages: 1,
      differing: 1,
      byPhase: { rcptto: 1, copy: 1, context: 1 },
    })
    expect(sessions[0]!.differences.map(({ phase, about }) => [phase, about])).toEqual([
      ['rcptto', 'RCPT TO:<bob@blocked.example>'],
      ['copy', 'ann@x.example'],
      ['context', 'ann@x.example'],
    ])
    expect(sessions[0]!.differences[1]!.recorded).toContain('X-Policy: one')
  })

  test.each([
    [[], 2, 'replay: cases and a policy are needed'],
    [['none', 'old.lua'], 66, 'replay: no such file or folder: '],
    [['case.session', 'broken.lua'], 78, 'broken.lua:1:'],
    [['broken.session', 'old.lua'], 65, 'broken.session:1: this is no recorded session'],
  ])('%j exits with %d', async (args, exit, complaint) => {
    await write('broken.lua', 'local x =')
    await write('broken.session', '{}')
    const { code, stderr } = await captured(replay, args.map(path))
    expect(stderr).toContain(complaint)
    expect(code).toBe(exit)
  })
})

describe('diff-policy', () => {
  test('lists the recipients whose outcome changes, of sessions and of messages alone', async () => {
    await write('mail.eml', 'From: a@sender.example\nTo: eve@blocked.example\n\ntext\n')
    const { code, stdout } = await eachrcpt('diff-policy', 'old.lua', 'new.lua', '--cases', '.')
    expect(stdout).toMatch(/^ {4}- context: seen=one\n {4}\+ context: seen=two$/m)
    expect(stdout).toMatch(/^ {4}- X-Policy: one\n {4}\+ X-Policy: two$/m)
    expect(stdout).toMatch(
      /mail\.eml, message 1: {2}eve@blocked\.example\n(?: {4}.*\n)* {4}- reply: 550 5\.7\.1 not here\n {4}\+ reply: 451 5\.7\.1 not here\n/,
    )
    expect(stdout).toMatch(/\n3 of 3 recipients in 2 cases change\n$/)
    expect(code).toBe(1)
  })

  test('exits 0 when nothing changes', async () => {
    expect(await eachrcpt('diff-policy', 'old.lua', 'old.lua', '--cases=case.session')).toEqual({
      code: 0,
      stdout: '0 of 2 recipients in 1 cases change\n',
      stderr: '',
    })
  })

  test.each([
    [['old.lua'], 2, 'two policies and --cases are needed'],
    [['old.lua', 'none.lua'], 66, 'no such file or folder: '],
    [['old.lua', 'new.lua', 'none'], 66, 'no such file or folder: '],
  ])('%j exits with %d', async ([before = '', after, cases = '.'], exit, complaint) => {
    const policies = after === undefined ? [before] : [before, after]
    const given = [...policies.map(path), `--cases=${path(cases)}`]
    const { code, stderr } = await captured(diffPolicy, given)
    expect(stderr).toContain(`diff-policy: ${complaint}`)
    expect(code).toBe(exit)
  })
})

describe('cases from log files', () => {
  const start = serverPerTest()

  test('of our own server play as they were written', async () => {
    const server = await start({ policy: { policy: policy(550, 'one') } })
    const wire = await server.dial()
    await wire.expect('220')
    await wire.ask('EHLO client.example', '250')
    await wire.ask('MAIL FROM:<news@sender.example>', '250')
    await wire.ask('RCPT TO:<bob@blocked.example>', '550')
    await wire.ask('RSET', '250')
    await send(wire, ['ann@x.example'])
    await wire.ask('QUIT', '221')
    for (const name of ['rejectlog.ec', 'mainlog.ec']) await write(name, await server.log(name))
    const made = await eachrcpt('cases', 'rejectlog.ec', 'mainlog.ec', '--out', 'cases')
    expect(made.stdout).toMatch(
      /^rejectlog\.ec: 1 sessions, 0 lines of other kinds\nmainlog\.ec: 1 sessions, \d lines/,
    )
    expect(await eachrcpt('replay', 'cases', 'old.lua')).toMatchObject({
      code: 0,
      stdout: '2 sessions, 0 messages: no difference\n',
    })
    expect((await eachrcpt('replay', 'cases', 'new.lua')).stdout).toContain('1 differ (rcptto 1)')
  })

  test.each([
    [[], 2, 'cases: log files and --out are needed'],
    [['none'], 66, 'cases: no such file: '],
    [['case.session'], 65, 'cases: no rejections and no receptions'],
  ])('%j exits with %d', async (args, exit, complaint) => {
    const { code, stderr } = await captured(cases, [...args.map(path), `--out=${path('o')}`])
    expect(stderr).toContain(complaint)
    expect(code).toBe(exit)
  })
})

test.each([
  ['replay', replay],
  ['diff-policy', diffPolicy],
  ['cases', cases],
  ['record', record],
])('the help of %s fits 80 columns', async (_, command) => {
  const { code, stdout } = await captured(command, ['--help'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^usage: eachrcpt /)
  expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
})
