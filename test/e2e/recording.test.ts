// `eachrcpt record` between clients that are not ours and our server, whose next hop it is too.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readTape, type Tape } from '../../src/recording/tape.ts'
import { record as command } from '../../src/cli/record.ts'
import { captured } from '../support/captured.ts'
import { freePort } from '../support/port.ts'
import { MAIN, run } from '../support/process.ts'
import { serverPerTest, type TestServer } from '../support/server.ts'

const start = serverPerTest()

const POLICY = `
local mod = {}
function mod:validate_rcptto(msg, str, ac, vctx)
  if string.match(tostring(str), "blocked") then vctx:set_code(550, "5.7.1 " .. "no mail for you") end
  return msys.core.VALIDATE_CONT
end
function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
  msg:header("X-Copy", "yes")
  return msys.core.VALIDATE_CONT
end
msys.registerModule("policy", mod)`

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-record-'))
})

afterEach(() => rm(folder, { recursive: true }))

interface Recording {
  readonly port: number
  readonly server: TestServer
  /** Ends it; the tapes in their order. */
  end(): Promise<Tape[]>
}

async function record(...args: readonly string[]): Promise<Recording> {
  const capture = await freePort()
  const server = await start({
    policy: { policy: POLICY },
    wayOut: `gateway = "127.0.0.1:${capture}"`,
    listener:
      'smtp_extensions = ( ENHANCEDSTATUSCODES "AUTH PLAIN" "AUTH LOGIN" ) auth_without_tls = true AuthPlainParameters = [ uri = "file://users" ] AuthLoginParameters = [ uri = "file://users" ]',
  })
  const child = spawn(process.execPath, [
    MAIN,
    'record',
    '--listen=127.0.0.1:0',
    `--server=127.0.0.1:${server.smtpPort}`,
    `--capture=127.0.0.1:${capture}`,
    `--next-hop=127.0.0.1:${server.sink.port}`,
    `--out=${join(folder, 'cases')}`,
    ...args,
  ])
  let said = ''
  child.stderr.on('data', (chunk) => (said += String(chunk)))
  await expect.poll(() => said).toMatch(/^recording smtp=/)
  return {
    port: Number(/smtp=127\.0\.0\.1:(\d+)/.exec(said)?.[1]),
    server,
    async end() {
      child.kill('SIGTERM')
      await once(child, 'exit')
      const cases = join(folder, 'cases')
      const names = (await readdir(cases)).filter((name) => name.endsWith('.session')).sort()
      return Promise.all(
        names.map(async (name) => readTape(await readFile(join(cases, name), 'utf8'), name)),
      )
    },
  }
}

const repliesOf = ({ entries }: Tape): string[] =>
  entries.flatMap((entry) => (entry.kind === 'reply' ? [entry.text] : []))
const commandsOf = ({ entries }: Tape): string[] =>
  entries.flatMap((entry) => (entry.kind === 'command' ? [entry.line] : []))
const deliveredIn = ({ entries }: Tape) =>
  entries.flatMap((entry) => (entry.kind === 'delivered' ? [entry] : []))

describe('clients send through it as they would to the server', () => {
  test('nodemailer, several recipients: what was relayed to each is there', async () => {
    const { port, server, end } = await record('--no-redact')
    const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true })
    const sent = await transport.sendMail({
      from: 'news@sender.example',
      to: ['a@x.example', 'b@y.example', 'c@blocked.example'],
      subject: 'hello',
      text: 'text\n.\n..dots\n',
    })
    transport.close()
    expect(sent.rejected).toEqual(['c@blocked.example'])
    await server.sink.waitFor(2, 10_000)
    const [tape] = await end()
    expect(tape).toMatchObject({ peer: '127.0.0.1', isRedacted: false, isCaptured: true })
    expect(repliesOf(tape!)).toContain('550 5.7.1 no mail for you')
    expect(deliveredIn(tape!).map(({ rcptto, mailfrom }) => [rcptto, mailfrom])).toEqual([
      ['a@x.example', 'news@sender.example'],
      ['b@y.example', 'news@sender.example'],
    ])
    for (const { rcptto, bytes } of deliveredIn(tape!)) {
      const arrived = server.sink.mail.find((mail) => mail.rcptto === rcptto)
      expect(bytes.equals(arrived!.bytes)).toBe(true)
      expect(bytes.toString()).toContain('X-Copy: yes\r\n')
      expect(bytes.toString()).toContain('\r\n.\r\n..dots\r\n')
    }
  })

  test('swaks with AUTH: redacted, and without the password', async ({ skip }) => {
    await requireProgram('swaks', skip)
    const { port, end } = await record()
    const args = ['--from', 'news@sender.example', '--to', 'anna.smith@x.example']
    const auth = [
      '--auth-optional',
      'PLAIN',
      '--auth-user',
      'ann',
      '--auth-password',
      's3cret-word',
    ]
    await run('swaks', [
      '--server',
      `127.0.0.1:${port}`,
      ...args,
      ...auth,
      '--h-Subject',
      'To Anna',
    ])
    const [tape] = await end()
    expect(tape).toMatchObject({ isRedacted: true })
    expect(commandsOf(tape!)).toContain('AUTH PLAIN ***')
    const [name = ''] = (await readdir(join(folder, 'cases'))).filter((file) =>
      file.endsWith('.session'),
    )
    const path = join(folder, 'cases', name)
    const text = await readFile(path, 'utf8')
    expect(text).not.toMatch(/s3cret|anna|Anna|bmV3cw|AGFubg/)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test("Python's smtplib, two messages in a session", async ({ skip }) => {
    await requireProgram('python3', skip)
    const { port, server, end } = await record('--no-redact')
    const script = `
import smtplib
s = smtplib.SMTP("127.0.0.1", ${port})
for n in "12":
    s.sendmail("news@sender.example", ["r%s@x.example" % n], "Subject: m%s\\r\\n\\r\\nbody\\r\\n" % n)
s.quit()`
    const result = await run('python3', ['-c', script])
    expect(result.stderr).toBe('')
    await server.sink.waitFor(2, 10_000)
    const [tape] = await end()
    const kinds = tape!.entries
      .map(({ kind }) => kind)
      .filter((kind) => /message|delivered|end/.test(kind))
    expect(kinds).toEqual(['message', 'delivered', 'message', 'delivered', 'end'])
    expect(tape!.entries.at(-1)).toEqual({ kind: 'end', how: 'quit' })
  })
})

test('a client is told when the server behind is not there', async () => {
  const port = await freePort()
  const gone = await freePort()
  const child = spawn(process.execPath, [
    MAIN,
    'record',
    `--listen=127.0.0.1:${port}`,
    `--server=127.0.0.1:${gone}`,
    `--out=${folder}`,
  ])
  let said = ''
  child.stderr.on('data', (chunk) => (said += String(chunk)))
  await expect.poll(() => said).toMatch(/^recording smtp=/)
  const transport = createTransport({ host: '127.0.0.1', port })
  await expect(transport.verify()).rejects.toThrow(/421 4\.3\.2 the server behind is not there/)
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
})

test.each([
  [[], '--listen, --server and --out are needed'],
  [['--listen', 'x', '--server', 'a:1', '--out', 'o'], '--listen: host:port was expected, got "x"'],
  [
    ['--listen=a:1', '--server=a:2', '--out=o', '--capture=a:3'],
    '--capture and --next-hop go together',
  ],
])('wrong usage exits with 2: %j', async (args, complaint) => {
  const { code, stderr } = await captured(command, args)
  expect(stderr).toContain(`record: ${complaint}\n`)
  expect(code).toBe(2)
  expect(stderr.split('\n').filter((line) => line.length > 80)).toEqual([])
})

async function requireProgram(name: string, skip: (note: string) => void): Promise<void> {
  const found = await run('sh', ['-c', `command -v ${name}`])
  if (found.code === 0) return
  if (process.env['CI']) throw new Error(`${name} is missing`)
  skip(`${name} is missing`)
}
