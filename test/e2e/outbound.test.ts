// What an operator sees of connections to next hops.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { tell, type Told } from '../support/control.ts'
import { type Peer, startPeer } from '../support/peer.ts'
import { type Running, serve } from '../support/process.ts'
import { send } from '../support/server.ts'
import { dial } from '../support/wire.ts'

let folder: string
let peer: Peer
let running: Running | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-outbound-'))
  peer = await startPeer()
})
afterEach(async () => {
  running?.child.kill('SIGKILL')
  running = undefined
  await peer.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

const ctl = (line: string): Promise<Told> => tell(folder, line.split(' '))

async function mail(rcptto: string): Promise<void> {
  const wire = await dial(running?.smtpPort ?? 0)
  await wire.expect('220')
  const before = peer.messages.length
  await send(wire, [rcptto])
  wire.reset()
  await expect.poll(() => peer.messages.length).toBe(before + 1)
}

test.each([1, 2])('connections are shown, and traced by domain: %i workers', async (workers) => {
  await writeFile(
    join(folder, 'e.conf'),
    `hostname = "mail.test"
     spoolbase = "spool"
     workers = ${workers}
     gateway = "127.0.0.1:${peer.port}"
     trace_smtp_mode = 0600
     esmtp_listener { listen "127.0.0.1:0" {} relay_hosts = ( 127.0.0.0/8 ) }`,
  )
  running = await serve(['--config', 'e.conf'], folder)
  expect(await ctl('refresh domain x.example')).toMatchObject({ ok: false })
  const path = join(folder, 'smtp.log')
  expect((await ctl(`trace smtp add * X.example ${path}`)).text).toBe('Registered smtp tracer #1\n')
  expect(await ctl('trace smtp list')).toMatchObject({
    text: `[     1]  binding: *\n           domain: x.example\n             file: ${path}\n`,
    data: [{ id: 1, binding: '*', domain: 'x.example', file: path }],
  })
  await mail('a@x.example')
  await mail('b@y.example')
  const traced = (): Promise<string> => readFile(path, 'latin1')
  await expect.poll(traced).toMatch(/ < 250 2\.0\.0 queued\n/)
  const log = await traced()
  expect(log).toMatch(
    /^\S+Z \S+ x\.example 127\.0\.0\.1:\d+ > MAIL FROM:.*\n.* > RCPT TO:<a@x\.example>$/m,
  )
  expect(log).toMatch(/ > \[\d+ octets\]\n/)
  expect(log).not.toContain('y.example')
  expect((await stat(path)).mode & 0o777).toBe(0o600)

  await expect.poll(async () => (await ctl('show outbound')).text).toContain('[outbound/idle]')
  const { data, text } = await ctl('show outbound')
  expect(text).toMatch(
    /^1: \[outbound\/idle\] [xy]\.example IPv4 127\.0\.0\.1:\d+ \(\d deliveries\) {2}default\n/,
  )
  const rows = data as readonly { deliveries: number }[]
  expect(rows.reduce((sum, { deliveries }) => sum + deliveries, 0)).toBe(2)

  expect((await ctl('refresh domain x.example')).text).toBe(
    'x.example: next hops are looked up again\n',
  )
  expect(await ctl('refresh domain all')).toMatchObject({ ok: true })
  expect((await ctl('trace smtp remove 1')).text).toBe('Removed smtp tracer #1\n')
  expect(await ctl('trace smtp remove 1')).toMatchObject({ ok: false })
  await mail('c@x.example')
  expect(await traced()).not.toContain('c@x.example')
  expect((await ctl('trace smtp add x')).text).toMatch(/^usage: trace smtp add/)
  expect(await ctl(`trace smtp add * * ${folder}`)).toMatchObject({ ok: false })
  expect((await ctl('trace')).text).toMatch(/^trace off/)
  expect(await running.stop('SIGTERM')).toBe(0)
})

test.each([1, 2])(
  'queued mail goes by the binding that policy gives it now: %i workers',
  async (workers) => {
    await writeFile(
      join(folder, 'e.conf'),
      `hostname = "mail.test"
     spoolbase = "spool"
     workers = ${workers}
     gateway = "127.0.0.1:${peer.port}"
     binding_group "g" { binding "one" { suspend_delivery = true } binding "two" {} }
     scriptlet "scriptlet" { script "p" { source = "p" } }
     esmtp_listener { listen "127.0.0.1:0" {} relay_hosts = ( 127.0.0.0/8 ) }
     ec_logger { mainlog = "mainlog.ec" }`,
    )
    const policy = (choice: string): Promise<void> =>
      writeFile(
        join(folder, 'p.lua'),
        `local mod = {}
       function mod:validate_set_binding(msg)
         ${choice}
         return msys.core.VALIDATE_CONT
       end
       msys.registerModule("p", mod)`,
      )
    await policy('msg:binding("one")')
    running = await serve(['--config', 'e.conf'], folder)
    for (const local of ['a', 'b', 'c', 'stays']) {
      const wire = await dial(running.smtpPort)
      await wire.expect('220')
      await send(wire, [`${local}@x.example`])
      wire.reset()
    }
    expect((await ctl('rebind one')).text).toMatch(/^Rebound 4 messages\.\n0 of them/)
    await policy(`msg:binding(msg:rcptto():find("^stays") and "one" or "two")
    msg:header("X-Private", "no") assert(msg:body():find("hello") or msg:header("Subject")[1])`)
    await ctl('config reload')
    expect((await ctl('rebind one y.example')).text).toMatch(/^Rebound 0 /)
    expect((await ctl('rebind one x.example')).text).toBe(
      'Rebound 4 messages.\n3 of them go by another binding now.\n',
    )
    await expect.poll(() => peer.messages.length).toBe(3)
    expect(peer.messages.join('')).not.toContain('X-Private')
    await policy('error("no")')
    await ctl('config reload')
    // As when it is received: what policy fails for goes by the default binding.
    expect((await ctl('rebind all')).text).toMatch(/^Rebound 1 messages\.\n1 of them/)
    await expect.poll(() => peer.messages.length).toBe(4)
    expect(await running.stop('SIGTERM')).toBe(0)
    const log = await readFile(join(folder, 'mainlog.ec'), 'utf8')
    expect(log.match(/@D@x\.example@\d+@g@two@/g)).toHaveLength(3)
    expect(log).not.toMatch(/@D@x\.example@\d+@g@one@/)
  },
)
