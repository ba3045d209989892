// Traces of a running server: the file, the console, and GET /trace on the control socket.
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CalloutTrace } from '../../src/policy/trace.ts'
import { MAIN, run, type Running, serve } from '../support/process.ts'
import { send } from '../support/server.ts'
import { dial } from '../support/wire.ts'

let folder: string
let running: Running | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-trace-'))
  await writeFile(
    join(folder, 'e.conf'),
    `hostname = "mail.test"
     spoolbase = "spool"
     maildir = "mail"
     scriptlet "scriptlet" { script "p" { source = "p" } }
     esmtp_listener { listen "127.0.0.1:0" {} relay_hosts = ( 127.0.0.0/8 ) }`,
  )
  await writeFile(
    join(folder, 'p.lua'),
    `local mod = {}
     function mod:validate_mailfrom(str, ac, vctx)
       vctx:set(msys.core.VCTX_CONN, "seen", "1") return msys.core.VALIDATE_CONT
     end
     function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
       print("copy of " .. msg:rcptto()) msg:header("X-A", "1") return msys.core.VALIDATE_DONE
     end
     msys.registerModule("p", mod)`,
  )
})

afterEach(async () => {
  running?.child.kill('SIGKILL')
  running = undefined
  await rm(folder, { recursive: true, force: true })
})

async function start(...args: string[]): Promise<void> {
  running = await serve(['--config', 'e.conf', ...args], folder)
}

/** The batch id of a message to these recipients. */
async function sendTo(...rcpttos: string[]): Promise<string> {
  const wire = await dial(running?.smtpPort ?? 0)
  await wire.expect('220')
  const reply = await send(wire, rcpttos)
  await wire.ask('QUIT', '221')
  wire.end()
  return reply.trim().split(' ').at(-1) ?? ''
}

const ctl = (...words: string[]) =>
  run(process.execPath, [MAIN, 'ctl', ...words, '--config', 'e.conf'], { cwd: folder })

function get(path: string): Promise<{ status: number | undefined; data: unknown }> {
  return new Promise((resolve, reject) => {
    const socketPath = join(folder, 'spool/control')
    request({ socketPath, path }, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode, data: JSON.parse(body) as unknown }),
        reject,
      )
    })
      .on('error', reject)
      .end()
  })
}

async function fileLines(name: string): Promise<string[]> {
  const lines = (await readFile(join(folder, name), 'utf8')).trimEnd().split('\n')
  return lines.map((line) => {
    const { callout, module, rcptto, result, prints }: CalloutTrace = JSON.parse(line)
    return [callout, module, rcptto, result, ...prints].join(' ')
  })
}

test('serve --trace writes what is about somebody, and tells it on the control socket', async () => {
  await start('--trace', 'log/trace.jsonl', '--trace-about', 'b@*')
  const other = await sendTo('x@x.example')
  const batch = await sendTo('a@a.example', 'b@b.example')
  const { data } = await get(`/trace/${encodeURIComponent(batch)}`)
  expect(data).toMatchObject([
    {
      callout: 'validate_mailfrom',
      script: expect.stringContaining('p.lua') as unknown,
      context: [{ dictionary: 'connection', name: 'seen', after: '1' }],
    },
    {
      callout: 'validate_data_spool_each_rcpt',
      rcptto: 'b@b.example',
      header: { removed: [], added: ['X-A: 1'] },
      prints: ['copy of b@b.example'],
      result: 'DONE',
    },
  ])
  expect((await get(`/trace/${batch.replaceAll('/', '.')}`)).data).toEqual(data)
  expect((await get(`/trace/${encodeURIComponent(other)}`)).status).toBe(404)
  expect((await get('/trace')).data).toMatchObject([{ batchId: batch, callouts: 2 }])
  // Another name for the file, as log rotation does it; a signal makes a new one.
  await rename(join(folder, 'log/trace.jsonl'), join(folder, 'log/old.jsonl'))
  running?.child.kill('SIGUSR2')
  await expect
    .poll(() => stat(join(folder, 'log/trace.jsonl')).then(({ mode }) => mode & 0o777))
    .toBe(0o600)
  expect(await fileLines('log/old.jsonl')).toEqual([
    'validate_mailfrom p  CONT',
    'validate_data_spool_each_rcpt p b@b.example DONE copy of b@b.example',
  ])
  expect(await running?.stop('SIGTERM')).toBe(0)
})

test('the console switches traces on and off while the server runs', async () => {
  await start()
  const before = await sendTo('a@a.example')
  expect((await ctl('trace', 'show', before)).code).toBe(1)
  expect((await ctl('trace', 'on')).stdout).toBe('trace on: every session\n')
  const batch = await sendTo('a@a.example')
  const shown = await ctl('trace', 'show', batch)
  expect(shown.stdout.replace(/\d+\.\d\d ms/g, 'T ms')).toBe(
    [
      'validate_mailfrom p  T ms  CONT',
      '  connection seen: (none) → "1"',
      'validate_data_spool_each_rcpt p <a@a.example>  T ms  DONE',
      '  + X-A: 1',
      '  print: copy of a@a.example',
      '',
    ].join('\n'),
  )
  expect((await ctl('trace', 'list')).stdout).toMatch(
    /^trace on.*\n.*2 callouts {2}a@a\.example\n$/,
  )
  expect((await ctl('trace', 'off')).stdout).toBe('trace off\n')
  const after = await sendTo('a@a.example')
  expect((await get(`/trace/${encodeURIComponent(after)}`)).status).toBe(404)
})

test.each([
  [['--trace-sample', '2'], /need --trace FILE/],
  [['--trace', 'f', '--trace-sample', 'x'], /one session in how many\? found "x"/],
  [['--nonsense'], /Unknown option '--nonsense'/],
])('serve refuses %j', async (args, complaint) => {
  const { code, stderr } = await run(process.execPath, [MAIN, 'serve', ...args], { cwd: folder })
  expect(stderr).toMatch(complaint)
  expect(code).toBe(2)
})
