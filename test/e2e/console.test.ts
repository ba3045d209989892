// The console of a running server and the spool of one that is down, as an operator uses them.
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startPeer, type Peer } from '../support/peer.ts'
import { type Finished, MAIN, run, type Running, serve } from '../support/process.ts'
import { send } from '../support/server.ts'
import { dial } from '../support/wire.ts'

const DEAD = 'domain "dead.example" { suspend_delivery = true }'
const BINDINGS = 'binding "one" {}'
const BY_ONE = `local mod = {}
function mod:validate_set_binding(msg)
  if msg:rcptto():find("^one@") then msg:binding("one") end
  return msys.core.VALIDATE_CONT
end
msys.registerModule("p", mod)`

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
     ec_logger { mainlog = "mainlog.ec" rejectlog = "rejectlog.ec" paniclog = "paniclog.ec" }
     bounce_logger { bouncelog = "bouncelog.ec" }
     event_hydrant { write_jlog = true jlog_filename = "events.jsonl" }`,
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
    .poll(() => json('ctl', 'mailq'))
    .toEqual([
      { group: 'default', binding: 'default', domain: 'x.example', active: 0, delayed: 1 },
      { group: 'default', binding: 'default', domain: 'y.example', active: 0, delayed: 1 },
    ])
}

test('the console shows queued mail, tries it again, fails it, and takes commands of policy', async () => {
  await startWithMail()
  expect((await eachrcpt('ctl', 'mailq')).stdout).toBe(
    [
      'Group/Binding                                       Domain      AQ      DQ',
      '--------------------------------------------------------------------------',
      'default/default                                  x.example       0       1',
      'default/default                                  y.example       0       1',
      '',
    ].join('\n'),
  )
  expect(await json('ctl', 'mailq', '-d', 'y.example')).toMatchObject([{ domain: 'y.example' }])
  expect(await json('ctl', 'mailq', '--binding', 'other')).toEqual([])
  expect((await eachrcpt('ctl', 'mailq', '-l', '1')).stdout).toMatch(
    / 1\n1 more: mailq --limit 2\n$/,
  )
  expect(await eachrcpt('ctl', 'mailq', '-x')).toMatchObject({ code: 1, stderr: /usage: mailq/ })
  expect(await json('ctl', 'showqueue', 'x.example')).toMatchObject([
    { recipient: 'a@x.example', attempts: 1, note: '450 4.2.0 later' },
  ])
  expect(await json('ctl', 'showqueue', 'x.example', '1,1')).toEqual([])
  const [{ id }] = (await json('ctl', 'showqueue', 'x.example')) as [{ id: string }]
  expect((await eachrcpt('ctl', 'showqueue', 'binding', 'default', 'x.example')).stdout).toMatch(
    new RegExp(
      `^\\[delayed/default\\] ${id} Created: \\d{10}\n  From: <news@sender.example> To: <a@x.example>\n$`,
    ),
  )
  expect(await json('ctl', 'showqueue', 'binding', 'other', 'x.example')).toEqual([])
  const details = (await eachrcpt('ctl', 'message', 'details', id)).stdout
  expect(details).toMatch(new RegExp(`^Message: ${id}\nMessage Type: full message\n`))
  expect(details).toMatch(/^               Created: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n/m)
  expect(details).toMatch(/^               Retries: 1\n {10}Received Via: SMTP\n/m)
  expect(details).toMatch(/^                  Code: 450 4\.2\.0 later\n/m)
  const whole = (await eachrcpt('ctl', 'message', 'details', 'full', id)).stdout
  const body = (await eachrcpt('ctl', 'message', 'details', 'body', id)).stdout
  expect([whole, body.startsWith('Received: ')]).toEqual([`${details}\n${body}`, true])
  expect((await eachrcpt('ctl', 'summary')).stdout).toMatch(
    /^Summary Statistics\n        Outbound Concurrency:      0\n(.*\n)*        Delayed Queue Size:      2\n/,
  )
  expect(await json('ctl', 'summary')).toMatchObject({
    received: 2,
    transient_failures: 2,
    delayed_queue: 2,
    domains: 2,
  })
  // What is held back stays so over a restart, and however often it is tried.
  await eachrcpt('ctl', 'suspend', 'domain', 'x.example')
  expect((await eachrcpt('ctl', 'flush', 'domain', 'x.example')).stdout).toBe(
    'x.example flushed.  1 messages requeued.\n',
  )
  expect(await running?.stop('SIGTERM')).toBe(0)
  running = await serve(['--config', 'e.conf'], folder)
  expect((await eachrcpt('ctl', 'suspend')).stdout).toBe('domain x.example\n')
  expect(await json('ctl', 'mailq')).toHaveLength(2)
  expect((await eachrcpt('ctl', 'resume', 'domain', 'x.example')).stdout).toBe(
    'delivery to domain x.example is resumed\n',
  )
  expect((await eachrcpt('ctl', 'flush', 'domain', 'x.example')).stdout).toMatch(
    /^x\.example flushed\. {2}[01] messages/,
  )
  await expect.poll(() => json('ctl', 'mailq')).toHaveLength(1)
  const other = await eachrcpt('ctl', 'fail', 'all', '--dry-run', '--header', 'subject', 'hallo')
  expect(other.stdout).toBe('[dry-run] all domains: 0 messages would be failed.\n')
  const subject = ['--header', 'subject', 'hello'] as const
  const dry = await eachrcpt('ctl', 'fail', 'domain', ...subject, 'y.example', '--dry-run', 'moved')
  expect(dry.stdout).toMatch(
    /^ {2}\S+ {2}domain=y\.example from=<news@sender\.example> to=<b@y\.example>\n\[dry-run\] y\.example: 1 messages would be failed\.\n$/,
  )
  const failed = await eachrcpt('ctl', 'fail', 'domain', 'quiet', ...subject, 'y.example', 'moved')
  expect(failed.stdout).toBe('y.example purged. 1 messages failed.\n')
  expect(await json('ctl', 'mailq')).toEqual([])
  expect(await json('ctl', 'summary')).toMatchObject({ delivered: 1, failed: 1, suspended: 0 })
  expect((await eachrcpt('ctl', 'summary', 'reset')).stdout).toBe('statistics cleared.\n')
  expect(await json('ctl', 'summary')).toMatchObject({ delivered: 0, failed: 0 })

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

test.each(['', 'workers = 2'])('the console tells of domains and bindings: %s', async (more) => {
  const conf = await readFile(join(folder, 'e.conf'), 'utf8')
  const text = `${conf} ${more} ${BINDINGS} remote_smtp_port = ${peer.port}`
  await writeFile(join(folder, 'e.conf'), text.replace(/gateway = .*/, ''))
  await writeFile(join(folder, 'p.lua'), BY_ONE)
  running = await serve(['--config', 'e.conf'], folder)
  for (const rcptto of ['a@localhost', 'b@localhost', 'one@localhost', 'd@[127.0.0.1]']) {
    const wire = await dial(running.smtpPort)
    await wire.expect('220')
    await send(wire, [rcptto])
    wire.reset()
  }
  const ctl = async (line: string): Promise<string> =>
    (await eachrcpt('ctl', ...line.split(' '))).stdout

  await expect.poll(() => ctl('delayed 0')).toMatch(/ D: {5}2 {2}S: {5}2\n$/)
  const rows = await ctl('domain all')
  expect(rows).toMatch(
    /^Domain summary:\nDomain: +\[127\.0\.0\.1\] .*\nDomain: +localhost .*\nTotals: /,
  )
  expect(rows).toMatch(/^Totals: C: {3}0 {2}A: {6}0 {2}D: {5}2 {2}S: {5}2$/m)
  expect(await json('ctl', 'active', '0')).toEqual({
    domains: [],
    total: { connections: 0, active: 0, delayed: 2, sent: 2 },
  })
  expect(await json('ctl', 'binding', 'active', 'one', '0')).toMatchObject({ domains: [] })
  expect(await json('ctl', 'binding', 'delayed', 'one', '-1')).toMatchObject({
    domains: [{ domain: 'localhost' }],
  })
  expect(await eachrcpt('ctl', 'binding', 'active', 'two', '0')).toMatchObject({ code: 1 })
  expect(await json('ctl', 'domain', 'LOCALHOST')).toMatchObject({
    domain: 'localhost',
    active: 0,
    attempts: 3,
    next_hops: [
      { by: 'default/default', to: 'mx', health: 'good', suspended: false, shared: false },
      { by: 'default/one' },
    ],
  })
  const one = await ctl('binding domain one localhost')
  expect(one).toMatch(
    /^Domain 'localhost' by default\/one is the name of a host\n {8}\[127\.0\.0\.1\] IPv4\n.*IPv6\nQueue:\n/,
  )
  expect(one).toMatch(/^Attempts: {11}1\n(.*\n)+Active Connections: 0\n$/m)
  expect(await ctl('domain [127.0.0.1]')).toMatch(/^Last Delivery: 20/m)
  await ctl('suspend domain localhost')
  expect(await ctl('domain localhost')).toMatch(/^Delivery is suspended$/m)
  expect(await eachrcpt('ctl', 'domain', 'x.example')).toMatchObject({
    code: 1,
    stderr: 'nothing is known of x.example\n',
  })
  expect(await json('ctl', 'binding', 'summary')).toMatchObject({
    bindings: [
      { binding: 'default', connections: 0, active: 0, received: 3 },
      { binding: 'one', connections: 0, active: 0, received: 1 },
    ],
  })
  expect(await ctl('binding summary one')).toMatch(
    /^Summary Statistics For Binding one\n(.*\n){5} {8}Received Messages: {6}1\n/,
  )
  await ctl('summary reset')
  expect(await json('ctl', 'binding', 'summary', '1')).toMatchObject({
    bindings: [{ binding: 'one', received: 0 }],
  })
  expect(await eachrcpt('ctl', 'binding', 'summary', 'two')).toMatchObject({ code: 1 })
  expect(await ctl('help')).toMatch(/^binding summary /m)
  expect(await ctl('help')).toMatch(/^active\|delayed THRESHOLD$/m)
})

test.each(['', 'workers = 2'])('queued mail goes to another queue for good: %s', async (more) => {
  const conf = await readFile(join(folder, 'e.conf'), 'utf8')
  const text = `${conf} ${more} ${DEAD} remote_smtp_port = ${peer.port}`
  await writeFile(join(folder, 'e.conf'), text.replace(/gateway = .*/, ''))
  running = await serve(['--config', 'e.conf'], folder)
  const ctl = async (line: string): Promise<string> =>
    (await eachrcpt('ctl', ...line.split(' '))).stdout
  await ctl('suspend domain localhost')
  for (const local of ['a', 'b', 'c', 'd']) {
    const wire = await dial(running.smtpPort)
    await wire.expect('220')
    await send(wire, [`${local}@dead.example`])
    wire.reset()
  }
  expect(await ctl('reroute queue --dry-run dead.example localhost')).toMatch(
    /^( {2}\S+ {2}domain=dead\.example from=.*\n){4}\[dry-run\] dead\.example -> localhost: 4 mess/,
  )
  const subject = 'reroute queue --header subject'
  expect(await ctl(`${subject} hallo dead.example localhost`)).toMatch(/^Moved 0 /)
  expect(await ctl(`${subject} hello dead.example localhost`)).toBe(
    "Moved 4 messages from 'dead.example' to 'localhost'\n",
  )
  await running.stop('SIGKILL')
  running = await serve(['--config', 'e.conf'], folder)
  const moved = { group: 'default', binding: 'default', domain: 'localhost' }
  expect(await json('ctl', 'mailq')).toEqual([{ ...moved, active: 4, delayed: 0 }])
  await ctl('resume domain localhost')
  await expect.poll(() => json('ctl', 'mailq')).toMatchObject([{ delayed: 2 }])
  await ctl('flush domain localhost')
  await expect.poll(() => json('ctl', 'mailq')).toEqual([])
  expect(peer.messages.filter((message) => message !== '')).toHaveLength(4)
  expect(await running.stop('SIGTERM')).toBe(0)
  const log = await readFile(join(folder, 'mainlog.ec'), 'utf8')
  expect(log.match(/@D@localhost@/g)).toHaveLength(4)
  const events = (await readFile(join(folder, 'events.jsonl'), 'utf8')).split('\n')
  const delivered = events.filter((line) => line.includes('"type":"delivery"'))
  expect(delivered.filter((line) => line.includes('"routing_domain":"localhost"'))).toHaveLength(4)
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
  await expect.poll(() => running?.child.exitCode).toBe(0)
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
  expect(await eachrcpt('spool', 'rm', 'nobody')).toMatchObject({ code: 1 })
  const reply = '554 5\\.7\\.0 \\[internal\\] manually failed\n$'
  const log = (name: string) => readFile(join(folder, name), 'utf8')
  expect(await log('mainlog.ec')).toMatch(new RegExp(`@P@x\\.example@.*@${reply}`))
  expect(await log('bouncelog.ec')).toMatch(new RegExp(`@B@a@x\\.example@.*@0@25@.*@${reply}`))

  // The notification and the event are with the next start.
  expect(await json('spool', 'ls')).toMatchObject([{ sender: '', attempts: 0 }])
  running = await serve(['--config', 'e.conf'], folder)
  await expect
    .poll(() => peer.messages.join())
    .toMatch(/^Final-Recipient: rfc822; a@x\.example\r$/m)
  await expect.poll(() => json('spool', 'ls')).toEqual([])
  expect(await running.stop('SIGTERM')).toBe(0)
  const bounces = (await log('events.jsonl'))
    .split('\n')
    .filter((line) => line.includes('"type":"bounce"'))
  expect(bounces.map((line) => /"raw_rcpt_to":"([^"]*)"/.exec(line)?.[1])).toEqual(['a@x.example'])
})

test('verify counts what is damaged, also what is set aside as the spool is opened', async () => {
  await startWithMail()
  expect(await running?.stop('SIGTERM')).toBe(0)
  const [name = ''] = (await readdir(join(folder, 'spool/0'))).filter((each) =>
    each.endsWith('.log'),
  )
  const segment = join(folder, 'spool/0', name)
  const octets = await readFile(segment)
  const at = octets.indexOf('Subject:')
  octets[at] = (octets[at] ?? 0) ^ 1
  await writeFile(segment, octets)
  const { code, stderr } = await eachrcpt('spool', 'verify')
  expect([code, stderr]).toEqual([1, expect.stringMatching(/ 1 damaged\n$/)])
})

test('a spool folder that is taken away under the server takes no more mail, until it is back', async () => {
  running = await serve(['--config', 'e.conf'], folder)
  const mail = async (): Promise<string> => {
    const wire = await dial(running?.smtpPort ?? 0)
    await wire.expect('220')
    await wire.ask('EHLO client.example', '250')
    wire.send('MAIL FROM:<a@b.example>\r\n')
    const reply = await wire.reply()
    wire.reset()
    return reply.slice(0, 3)
  }
  expect(await mail()).toBe('250')
  await rename(join(folder, 'spool/0'), join(folder, 'spool/away'))
  await expect.poll(mail).toBe('452')
  await rename(join(folder, 'spool/away'), join(folder, 'spool/0'))
  await expect.poll(mail).toBe('250')
  await expect
    .poll(() => readFile(join(folder, 'paniclog.ec'), 'utf8'))
    .toMatch(
      /no more mail is taken: the spool \S+ was removed, moved or replaced\n.*mail is taken again\n/,
    )
})
