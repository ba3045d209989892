// The console of a running server and the spool of one that is down, as an operator uses them.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startPeer, type Peer } from '../support/peer.ts'
import { type Finished, MAIN, run, type Running, serve } from '../support/process.ts'
import { send } from '../support/server.ts'
import { dial } from '../support/wire.ts'

let folder: string
let peer: Peer
let running: Running | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-console-'))
  peer = await startPeer({ MAIL: ['450 4.2.0 later', '450 4.2.0 later', '250 ok'] })
  await writeFile(
    join(folder, 'e.conf'),
    `hostname = "mail.test"
     spoolbase = "spool"
     gateway = "127.0.0.1:${peer.port}"
     retry_interval = 3600
     scriptlet "scriptlet" { script "p" { source = "p" } }
     esmtp_listener { listen "127.0.0.1:0" {} relay_hosts = ( 127.0.0.0/8 ) }
     ec_logger { mainlog = "mainlog.ec" rejectlog = "rejectlog.ec" paniclog = "paniclog.ec" }`,
  )
  await writeFile(
    join(folder, 'p.lua'),
    `msys.registerControl("greet", function(cc)
       if cc.argc < 2 then print("You must pass a parameter") return end
       print("hello " .. cc.argv[1] .. " by " .. cc.argv[0])
     end)
     msys.registerControl("broken", function(cc) error("no") end)`,
  )
})

afterEach(async () => {
  running?.child.kill('SIGKILL')
  running = undefined
  await peer.close()
  await rm(folder, { recursive: true, force: true })
})

const eachrcpt = (...args: string[]): Promise<Finished> =>
  run(process.execPath, [MAIN, ...args, '--config', 'e.conf'], { cwd: folder })

const json = async (...args: string[]): Promise<unknown> => {
  const { stdout } = await eachrcpt(...args, '--json')
  const { data }: { data: unknown } = JSON.parse(stdout)
  return data
}

async function startWithMail(): Promise<void> {
  running = await serve(['--config', 'e.conf'], folder)
  const wire = await dial(running.smtpPort)
  await wire.expect('220')
  await send(wire, ['a@x.example', 'b@y.example'])
  wire.reset()
  await expect
    .poll(() => json('ctl', 'mailq'), { timeout: 5_000 })
    .toEqual([
      { domain: 'x.example', active: 0, delayed: 1 },
      { domain: 'y.example', active: 0, delayed: 1 },
    ])
}

test('the console shows queued mail, tries it again, fails it, and takes commands of policy', async () => {
  await startWithMail()
  expect((await eachrcpt('ctl', 'mailq')).stdout).toMatch(/^Domain +AQ +DQ\nx\.example +0 +1\n/)
  expect(await json('ctl', 'showqueue', 'x.example')).toMatchObject([
    { recipient: 'a@x.example', attempts: 1, note: '450 4.2.0 later' },
  ])
  expect(await json('ctl', 'showqueue', 'x.example', '1,1')).toEqual([])
  expect(await json('ctl', 'summary')).toMatchObject({
    received: 2,
    transient_failures: 2,
    delayed_queue: 2,
    domains: 2,
  })
  // What is held back stays so over a restart, and however often it is tried.
  await eachrcpt('ctl', 'suspend', 'domain', 'x.example')
  expect((await eachrcpt('ctl', 'flush', 'domain', 'x.example')).stdout).toBe('1 copy tried now\n')
  expect(await running?.stop('SIGTERM')).toBe(0)
  running = await serve(['--config', 'e.conf'], folder)
  expect((await eachrcpt('ctl', 'suspend')).stdout).toBe('domain x.example\n')
  expect(await json('ctl', 'mailq')).toHaveLength(2)
  expect((await eachrcpt('ctl', 'resume', 'domain', 'x.example')).stdout).toMatch(
    /not suspended\n$/,
  )
  expect((await eachrcpt('ctl', 'flush', 'domain', 'x.example')).stdout).toMatch(/^[01] cop/)
  await expect.poll(() => json('ctl', 'mailq'), { timeout: 5_000 }).toHaveLength(1)
  const failed = await eachrcpt('ctl', 'fail', 'domain', 'quiet', 'y.example', 'moved', 'away')
  expect(failed.stdout).toBe('1 copy failed\n')
  expect(await json('ctl', 'mailq')).toEqual([])
  expect(await json('ctl', 'summary')).toMatchObject({ delivered: 1, failed: 1, suspended: 0 })

  const wire = await dial(running.smtpPort)
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  await wire.ask('MAIL FROM:<a@b.example>', '250')
  expect(await json('ctl', 'show', 'inbound')).toMatchObject([
    { address: '127.0.0.1', port: wire.socket.localPort, state: 'awaiting rcptto' },
  ])
  wire.reset()

  expect((await eachrcpt('ctl', 'greet', 'big world')).stdout).toBe('hello big world by greet\n')
  expect(await eachrcpt('ctl', 'broken')).toMatchObject({ code: 1, stderr: /no/ })
  expect(await eachrcpt('ctl', 'nonsense')).toMatchObject({ code: 1, stderr: /unknown command/ })
  expect((await eachrcpt('ctl', 'script', 'list')).stdout).toMatch(/p\.lua\n$/)
})

test('a control socket that a crash left is replaced, another file in its place is not', async () => {
  running = await serve(['--config', 'e.conf'], folder)
  await running.stop('SIGKILL')
  running = await serve(['--config', 'e.conf'], folder)
  expect((await eachrcpt('ctl', 'version')).stdout).toMatch(/^eachrcpt /)
  await running.stop('SIGTERM')
  await writeFile(join(folder, 'spool/control'), 'precious')
  running = await serve(['--config', 'e.conf'], folder)
  await running.says('EADDRINUSE')
  expect(await readFile(join(folder, 'spool/control'), 'utf8')).toBe('precious')
})

test('the control socket is for our user alone, tells health, and ends the server', async () => {
  running = await serve(['--config', 'e.conf'], folder)
  const socketPath = join(folder, 'spool/control')
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600)
  const status = await new Promise((resolve, reject) => {
    request({ socketPath, path: '/readyz' }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
  expect(status).toBe(200)
  await writeFile(join(folder, 'p.lua'), 'this is no Lua')
  expect(await eachrcpt('ctl', 'config', 'reload')).toMatchObject({ code: 1 })
  await eachrcpt('ctl', 'shutdown')
  await expect.poll(() => running?.child.exitCode, { timeout: 5_000 }).toBe(0)
  expect(await eachrcpt('ctl', 'version')).toMatchObject({ code: 69 })
})

test('the spool of a server that is down can be listed, verified, exported, failed and removed', async () => {
  await startWithMail()
  expect(await running?.stop('SIGTERM')).toBe(0)
  const rows = await json('spool', 'ls')
  expect(rows).toMatchObject([{ recipient: 'a@x.example' }, { recipient: 'b@y.example' }])
  const [first, second] = (rows as { id: string }[]).map(({ id }) => id)
  expect((await eachrcpt('spool', 'verify')).stdout).toMatch(
    /^1 messages, \d+ octets, 0 damaged\n$/,
  )
  expect((await eachrcpt('spool', 'export', first!)).stdout).toMatch(/^Received: .*\r\n/)
  expect((await eachrcpt('spool', 'rm', second!)).stdout).toBe('1 copy removed\n')
  expect((await eachrcpt('spool', 'fail', first!)).stdout).toBe('1 copy failed\n')
  // The notification, which the next start sends.
  expect(await json('spool', 'ls')).toMatchObject([{ sender: '', attempts: 0 }])
  expect(await eachrcpt('spool', 'rm', 'nobody')).toMatchObject({ code: 1 })
  expect(await readFile(join(folder, 'mainlog.ec'), 'utf8')).toMatch(
    /@P@x\.example@.*@554 5\.4\.7 \[internal\] message failed by operator\n$/,
  )
})
