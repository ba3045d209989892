// `eachrcpt serve` as a process: start, signals, reload, crash.
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSink, type Sink } from '../../src/cli/sink.ts'
import { MAIN, run, type Running, serve } from '../support/process.ts'
import { send } from '../support/server.ts'
import { dial } from '../support/wire.ts'

let folder: string
let sink: Sink
const processes: Running[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-serve-'))
  sink = await openSink()
})

afterEach(async () => {
  for (const { child } of processes.splice(0)) child.kill('SIGKILL')
  await sink.close()
  await rm(folder, { recursive: true, force: true })
})

const config = (more = '') => `
  hostname = "mail.test"
  spoolbase = "spool"
  gateway = "127.0.0.1:${sink.port}"
  scriptlet "scriptlet" { script "p" { source = "p" } }
  esmtp_listener { listen "127.0.0.1:0" {} relay_hosts = ( 127.0.0.0/8 ) }
  http_listener { listen "127.0.0.1:0" {} }
  ec_logger { mainlog = "mainlog.ec" rejectlog = "rejectlog.ec" paniclog = "paniclog.ec" }
  ${more}`

const policy = (text: string) =>
  `msys.registerModule("p", { validate_mailfrom = function(self, str, ac, vctx)
     vctx:set_code(250, "2.0.0 ${text}") return 0 end })`

const write = (name: string, text: string) => writeFile(join(folder, name), text)

async function start(more?: string): Promise<Running> {
  await write('e.conf', config(more))
  const running = await serve(['--config', 'e.conf'], folder)
  processes.push(running)
  return running
}

async function mailfromReply({ smtpPort }: Running): Promise<string> {
  const wire = await dial(smtpPort)
  await wire.expect('220')
  const reply = await wire.ask('MAIL FROM:<a@b.example>', '250')
  wire.reset()
  return reply
}

describe('start', () => {
  test('says what it listens on, where mail goes, which scripts run, and what to try', async () => {
    await write('p.lua', policy('one'))
    const running = await start()
    const out = running.stdout()
    expect(out).toMatch(/^ready smtp=127\.0\.0\.1:\d+ http=127\.0\.0\.1:\d+\n/)
    expect(out).toContain(`to the gateway 127.0.0.1:${sink.port}`)
    expect(out).toContain(join(folder, 'p.lua'))
    expect(out).toMatch(/swaks --server 127\.0\.0\.1:\d+ /)
    for (const path of ['/livez', '/readyz']) {
      expect((await fetch(running.httpUrl + path)).status).toBe(200)
    }
    expect(await running.stop('SIGTERM')).toBe(0)
  })

  test.each([
    ['a syntax error', 'esmtp_listener {', /^e\.conf:1:.*/],
    ['an unknown option', '\n\nhostnam = "x"', /^e\.conf:3:.*hostnam/],
    ['a wrong value', 'retry_interval = "soon"', /^e\.conf:1:.*retry_interval.*expected/],
    [
      'a missing script',
      'spoolbase = "spool" scriptlet "s" {\n script "x" { source = "no.such" } }',
      /^e\.conf:2:.*searched: .*no\/such\.lua, .*policy\/no\/such\.lua/,
    ],
  ])('%s exits with 78 and names file and line', async (_, text, message) => {
    await write('e.conf', text)
    const { code, stderr } = await run(process.execPath, [MAIN, 'serve', '--config', 'e.conf'], {
      cwd: folder,
    })
    expect(stderr).toMatch(message)
    expect(code).toBe(78)
  })

  test('a script that does not load exits with 78 and names its line', async () => {
    await write('p.lua', 'local x = \nif')
    await write('e.conf', config())
    const done = await run(process.execPath, [MAIN, 'serve', '--config', 'e.conf'], { cwd: folder })
    expect(done.stderr).toMatch(/p\.lua:2: /)
    expect(done.code).toBe(78)
  })

  test('a configuration file that is not there is named', async () => {
    const done = await run(process.execPath, [MAIN, 'serve', '--config', 'none.conf'], {
      cwd: folder,
    })
    expect(done.stderr).toContain('none.conf')
    expect(done.code).toBe(78)
  })

  test('a second server on the same spool is refused', async () => {
    await write('p.lua', policy('one'))
    await start()
    const done = await run(process.execPath, [MAIN, 'serve', '--config', 'e.conf'], { cwd: folder })
    expect(done.stderr).toMatch(/spool/)
    expect(done.code).toBe(69)
  })

  test.each([
    [[], 2],
    [['fly'], 2],
    [['serve', '--confg', 'x'], 2],
    [['--help'], 0],
  ])('arguments %j exit with %i', async (args, code) => {
    expect((await run(process.execPath, [MAIN, ...args])).code).toBe(code)
  })

  test('--version prints the bare number', async () => {
    expect((await run(process.execPath, [MAIN, '--version'])).stdout).toBe('0.1.0\n')
  })
})

describe('SIGHUP', () => {
  test('new sessions get the new policy; a running one is told at its next MAIL', async () => {
    await write('p.lua', policy('one'))
    const running = await start()
    const wire = await dial(running.smtpPort)
    await wire.expect('220')
    await wire.ask('MAIL FROM:<a@b.example>', '250 2.0.0 one')
    await write('p.lua', policy('two'))
    running.child.kill('SIGHUP')
    await expect.poll(() => mailfromReply(running)).toBe('250 2.0.0 two')
    await wire.ask('RSET', '421 4.3.2 Reconfiguration in progress')
    await wire.ended
  })

  test.each([
    ['policy', 'p.lua', 'this is no lua', /reload failed.*p\.lua:1:/],
    ['configuration', 'e.conf', 'nonsense', /reload failed.*e\.conf:1:/],
  ])('a broken %s changes nothing and says why', async (_, name, text, message) => {
    await write('p.lua', policy('one'))
    const running = await start()
    await write(name, text)
    running.child.kill('SIGHUP')
    await running.says('reload failed')
    expect(running.stderr()).toMatch(message)
    expect(await mailfromReply(running)).toBe('250 2.0.0 one')
    expect(readFileSync(join(folder, 'paniclog.ec'), 'utf8')).toBeDefined()
    expect(await running.stop('SIGTERM')).toBe(0)
    expect(readFileSync(join(folder, 'paniclog.ec'), 'utf8')).toMatch(message)
  })

  test('F46 many at once are taken one after the other while mail flows, and the last one wins', async () => {
    await write('p.lua', policy('v0'))
    const running = await start()
    const sent: string[] = []
    let isOver = false
    const pour = async (): Promise<void> => {
      while (!isOver) {
        const wire = await dial(running.smtpPort)
        await wire.expect('220')
        const rcptto = `m${sent.length}@x.example`
        // 421 where a reload came between greeting and MAIL: a client comes again.
        const reply = await send(wire, [rcptto]).catch(() => '')
        if (reply.startsWith('250')) sent.push(rcptto)
        wire.reset()
      }
    }
    const pouring = pour()
    for (let i = 1; i <= 100; i++) {
      await write('p.lua', policy(`v${i}`))
      running.child.kill('SIGHUP')
    }
    await expect.poll(() => mailfromReply(running)).toBe('250 2.0.0 v100')
    isOver = true
    await pouring
    expect(sent.length).toBeGreaterThan(0)
    await sink.waitFor(sent.length, 10_000)
    expect(sink.mail.map(({ rcptto }) => rcptto).sort()).toEqual(sent.sort())
    expect(running.stderr()).not.toContain('reload failed')
    expect(await running.stop('SIGTERM')).toBe(0)
  }, 40_000)

  test('a listener that is new in the configuration opens, the others stay', async () => {
    await write('p.lua', policy('one'))
    const running = await start()
    await write('e.conf', config('http_listener { listen "127.0.0.1:0" {} }'))
    running.child.kill('SIGHUP')
    await expect.poll(() => mailfromReply(running)).toBe('250 2.0.0 one')
    expect((await fetch(`${running.httpUrl}/livez`)).status).toBe(200)
  })

  test('a listener that cannot be opened leaves the others as they were, too', async () => {
    await write('p.lua', policy('one'))
    const running = await start()
    const taken = `http_listener { listen "127.0.0.1:${sink.port}" {} }`
    await write('e.conf', config(taken).replace('esmtp_listener {', '$& banner_hostname = "two" '))
    running.child.kill('SIGHUP')
    await running.says('reload failed')
    const wire = await dial(running.smtpPort)
    await wire.expect('220 mail.test ')
    wire.reset()
  })

  test('logs are reopened', async () => {
    await write('p.lua', 'print("loaded") ' + policy('one'))
    const running = await start()
    await rename(join(folder, 'paniclog.ec'), join(folder, 'paniclog.1'))
    running.child.kill('SIGHUP')
    await expect.poll(() => readdirSync(folder).includes('paniclog.ec')).toBe(true)
    expect(await running.stop('SIGTERM')).toBe(0)
    expect(readFileSync(join(folder, 'paniclog.ec'), 'utf8')).toContain('scriptlet: loaded')
  })
})

test('SIGUSR2 reopens logs and nothing else', async () => {
  await write('p.lua', policy('one'))
  const running = await start()
  await write('p.lua', policy('two'))
  await rename(join(folder, 'rejectlog.ec'), join(folder, 'rejectlog.1'))
  running.child.kill('SIGUSR2')
  await expect.poll(() => readdirSync(folder).includes('rejectlog.ec')).toBe(true)
  expect(await mailfromReply(running)).toBe('250 2.0.0 one')
})

describe('SIGTERM', () => {
  test('idle sessions are told, and the process exits 0', async () => {
    await write('p.lua', policy('one'))
    const running = await start()
    const wire = await dial(running.smtpPort)
    await wire.expect('220')
    const stopped = running.stop('SIGTERM')
    await wire.expect('421')
    wire.end()
    expect(await stopped).toBe(0)
  })
})

describe('kill -9', () => {
  test('after 250 loses nothing: what was acknowledged is delivered by the next run', async () => {
    await write('p.lua', policy('one'))
    // Nobody answers there: everything stays in the spool of the first run.
    const dead = config('retry_interval = 1').replace(/gateway = .*/, 'gateway = "127.0.0.1:1"')
    await write('e.conf', dead)
    const acknowledged: string[] = []
    for (let round = 0; round < 3; round++) {
      const running = await serve(['--config', 'e.conf'], folder)
      processes.push(running)
      const wire = await dial(running.smtpPort)
      await wire.expect('220')
      for (let i = 0; i < 5 + round * 4; i++) {
        const name = `r${round}m${i}`
        const message = `Message-ID: <${name}@x>\r\n\r\n${'body '.repeat(i * 300)}\r\n`
        const reply = await send(wire, [`${name}@x.example`, `${name}b@x.example`], message)
        if (reply.startsWith('250')) acknowledged.push(name)
      }
      // At once after the last 250: nothing but the disk can have it.
      wire.send('MAIL FROM:<x@y.example>\r\nRCPT TO:<lost@x.example>\r\nDATA\r\nhalf a mes')
      await running.stop('SIGKILL')
      wire.reset()
    }
    expect(acknowledged).toHaveLength(5 + 9 + 13)
    await start('retry_interval = 1')
    await sink.waitFor(acknowledged.length * 2, 20_000)
    const arrived = sink.mail.map(({ rcptto }) => rcptto).sort()
    expect(arrived).toEqual(
      acknowledged.flatMap((n) => [`${n}@x.example`, `${n}b@x.example`]).sort(),
    )
    for (const { rcptto, bytes } of sink.mail) {
      const name = rcptto.replace(/b?@.*/, '')
      expect(bytes.toString()).toContain(`Message-ID: <${name}@x>`)
      expect(bytes.toString()).toMatch(/\r\n\r\n(body )*\r\n$/)
    }
  }, 60_000)
})

test('the embedded default keeps mail in a maildir, tracks it and redirects its links', async () => {
  const text = readFileSync(new URL('../../src/cli/embedded.ts', import.meta.url), 'utf8')
  const embedded = /`\n(.*)`/s.exec(text)?.[1] ?? ''
  const free = embedded
    .replace('127.0.0.1:2525', '127.0.0.1:0')
    .replace('listen "127.0.0.1:8080"', 'listen "127.0.0.1:0"')
  await write('e.conf', free)
  const running = await serve(['--config', 'e.conf'], folder)
  processes.push(running)
  const wire = await dial(running.smtpPort)
  await wire.expect('220')
  expect(await send(wire, ['you@rcpt.example'])).toMatch(/^250 2\.0\.0 OK/)
  wire.end()
  const inbox = join(folder, 'var/mail/new')
  await expect
    .poll(() => readdirSync(join(folder, 'var')).includes('mail') && readdirSync(inbox).length)
    .toBe(1)
  const mail = readFileSync(join(inbox, readdirSync(inbox)[0]!), 'latin1')
  expect(mail).toMatch(
    /^Return-Path: <news@sender\.example>\r?\nDelivered-To: you@rcpt\.example\r?\n/,
  )
  const [, path] = /http:\/\/127\.0\.0\.1:8080(\/f\/a\/[\w/-]+)/.exec(mail) ?? []
  const response = await fetch(running.httpUrl + path, { redirect: 'manual' })
  expect(response.headers.get('location')).toBe('https://e.com/?a=1&b=2')
  expect(running.stderr()).toMatch(/no tracking_keys configured: made .*tracking\.key/)
  expect(await running.stop('SIGTERM')).toBe(0)
  expect(readFileSync(join(folder, 'var/log/events.jsonl'), 'utf8')).toMatch(
    /"type":"injection".*\n.*"type":"delivery".*\n.*"type":"click"/,
  )
})
