// Several processes as one server: `workers = N`. What the sink got is compared with what was acknowledged.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openSink, type Sink } from '../../src/cli/sink.ts'
import type { PageNews } from '../../src/parts.ts'
import { hasBrowser, openBrowser } from '../support/browser.ts'
import { askControl, tell, type Told } from '../support/control.ts'
import { MAIN, run, type Running, serve } from '../support/process.ts'
import { send, trackedPaths } from '../support/server.ts'
import { dial, type Wire } from '../support/wire.ts'

let folder: string
let sink: Sink
let running: Running | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-workers-'))
  sink = await openSink()
})
afterEach(async () => {
  running?.child.kill('SIGKILL')
  running = undefined
  await sink.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

const CONF = (workers: number, more = ''): string => `
  hostname = "mail.test"
  spoolbase = "spool"
  workers = ${workers}
  gateway = "127.0.0.1:${sink.port}"
  retry_interval = 1
  smtpapi {}
  scriptlet "scriptlet" { script "p" { source = "p" } }
  esmtp_listener { listen "127.0.0.1:0" {} relay_hosts = ( 127.0.0.0/8 ) ${more} }
  http_listener { listen "127.0.0.1:0" {} serve_metrics = true }
  ec_logger { mainlog = "mainlog.ec" rejectlog = "rejectlog.ec" paniclog = "paniclog.ec" }
  event_hydrant { write_jlog = true jlog_filename = "events.jsonl" }`

const POLICY = (name: string): string => `
  local mod = {}
  function mod:validate_rcptto(msg, str, ac, vctx)
    vctx:set_code(250, "${name}")
    msys.counter.inc("/recipients")
    return msys.core.VALIDATE_CONT
  end
  msys.registerModule("p", mod)
  msys.registerControl("count", function(cc) print(msys.counter.read("/recipients")) end)
  msys.registerControl("who", function(cc) print("${name}") end)`

async function start(workers: number, more = ''): Promise<Running> {
  await writeFile(join(folder, 'e.conf'), CONF(workers, more))
  await writeFile(join(folder, 'p.lua'), POLICY('first'))
  return (running = await serve(['--config', 'e.conf'], folder))
}

/** What a worker had counted and not told when it was killed: of its last hundredth of a second, twice. */
const LOST_AT_ONCE = 20

/** A worker may be busy with a policy for ten times that. */
const QUICK = 'scriptlet "scriptlet" { callout_cpu_ms = 50 }'

const ctl = (...words: string[]): Promise<Told> => tell(folder, words)

/** Its status, on a connection of its own. */
function get(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject)
    sent.end()
  })
}

const json = async <T>(...words: string[]): Promise<T> => (await ctl(...words)).data as T

interface WorkerRow {
  readonly slot: number
  readonly pid: number
  readonly ready: boolean
  readonly sessions: number
}

const workers = (): Promise<WorkerRow[]> => json('workers')

/** Sends until it is told to stop, over and over with new connections where one ends; what 250 was said to. */
function pour(port: number, name: string) {
  const acknowledged: string[] = []
  let isStopped = false
  let count = 0
  const converse = async (wire: Wire): Promise<void> => {
    await wire.expect('220')
    await wire.ask('EHLO client.example', '250')
    for (let i = 0; i < 5 && !isStopped; i++) {
      const rcptto = `${name}-${count++}@x.example`
      const reply = await send(wire, [rcptto])
      if (reply.startsWith('250')) acknowledged.push(rcptto)
    }
    wire.end()
  }
  const all = async (): Promise<void> => {
    while (!isStopped) {
      await dial(port)
        .then(converse)
        .catch(() => undefined)
    }
  }
  const done = Promise.all([all(), all(), all()])
  return {
    acknowledged,
    /** Resolves when so many more have been acknowledged. */
    async more(messages: number): Promise<void> {
      const enough = acknowledged.length + messages
      await expect.poll(() => acknowledged.length).toBeGreaterThanOrEqual(enough)
    },
    async stop(): Promise<void> {
      isStopped = true
      await done
    },
  }
}

/** How often each was delivered. */
const deliveries = (): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const { rcptto } of sink.mail) counts.set(rcptto, (counts.get(rcptto) ?? 0) + 1)
  return counts
}

async function expectAll(acknowledged: readonly string[]): Promise<void> {
  await expect.poll(() => acknowledged.filter((rcptto) => !deliveries().has(rcptto))).toEqual([])
}

const twice = (): string[] => [...deliveries()].flatMap(([rcptto, n]) => (n > 1 ? [rcptto] : []))

const YOUNG = ['--max-semi-space-size=64', '--min-semi-space-size=64']

describe('workers', () => {
  test('share ports, logs and the console; SIGTERM drains all of them', async () => {
    const { smtpPort, stop } = await start(2)
    expect((await workers()).map(({ slot, ready }) => [slot, ready])).toEqual([
      [0, true],
      [1, true],
    ])
    for (const { pid } of await workers()) {
      // Where the system tells what a process was started with.
      const started = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => YOUNG.join('\0'))
      expect(started).toContain(YOUNG.join('\0'))
    }
    const wires = await Promise.all([dial(smtpPort), dial(smtpPort)])
    for (const [i, wire] of wires.entries()) {
      await wire.expect('220')
      await wire.ask('EHLO client.example', '250')
      expect(await send(wire, [`w${i}@x.example`])).toMatch(/^250/)
    }
    await sink.waitFor(2, 10_000)
    expect(await json('summary')).toMatchObject({ workers: 2, received: 2, inbound_sessions: 2 })
    expect((await json<unknown[]>('show', 'inbound')).length).toBe(2)
    expect((await ctl('who')).text).toBe('first\n')
    await expect.poll(async () => (await ctl('count')).text).toBe('2\n')
    const metrics = await (await fetch(`${running?.httpUrl}/metrics`)).text()
    expect(metrics).toMatch(/^eachrcpt_messages_received_total 2$/m)
    expect(metrics).toMatch(/^eachrcpt_workers 2$/m)
    expect((await ctl('pid')).text).toBe(`${running?.child.pid}\n`)
    const asked = await run(process.execPath, [MAIN, 'ctl', 'who', '--config', 'e.conf'], {
      cwd: folder,
    })
    expect(asked).toEqual({ code: 0, stdout: 'first\n', stderr: '' })
    await ctl('reopen', 'logs')
    await expect.poll(() => readFile(join(folder, 'events.jsonl'), 'utf8')).toMatch(/(?:.*\n){4}/)
    const ids = (await readFile(join(folder, 'mainlog.ec'), 'utf8')).match(/@00\/00-\d+-/g)
    expect(new Set(ids).size).toBe(2)
    const events = (await readFile(join(folder, 'events.jsonl'), 'utf8')).trim().split('\n')
    expect(events.map((line) => Object.keys(JSON.parse(line) as object))).toEqual(
      events.map(() => ['msys']),
    )
    expect(await stop('SIGTERM')).toBe(0)
    await Promise.all(wires.map((wire) => wire.ended))
    expect(running?.stderr()).toMatch(/^no tracking_keys configured: made .*\n$/)
  })

  test('queued mail of all is listed, tried and failed as one', async () => {
    await sink.close()
    const { smtpPort } = await start(2)
    for (const rcptto of ['a@x.example', 'b@x.example', 'c@x.example', 'd@y.example']) {
      const wire = await dial(smtpPort)
      await wire.expect('220')
      await send(wire, [rcptto])
      wire.reset()
    }
    const domains = async () =>
      (await json<{ domain: string; active: number; delayed: number }[]>('mailq')).map(
        ({ domain, active, delayed }) => [domain, active + delayed],
      )
    expect(await domains()).toEqual([
      ['x.example', 3],
      ['y.example', 1],
    ])
    const rows = await json<{ id: string; recipient: string }[]>('spool', 'ls')
    expect(rows.map(({ recipient }) => recipient).sort()).toEqual([
      'a@x.example',
      'b@x.example',
      'c@x.example',
      'd@y.example',
    ])
    for (const { id, recipient } of rows) {
      expect((await ctl('message', 'details', id)).text).toContain(`Recipient: ${recipient}`)
    }
    expect((await ctl('message', 'details', 'nobody')).ok).toBe(false)
    expect(await json('spool', 'verify')).toMatchObject({ messages: 4, damaged: [] })
    expect((await ctl('fail', 'all', '--dry-run', '--header', 'Subject', 'hello')).text).toMatch(
      /^(?: {2}\S+ {2}domain=.*\n){4}\[dry-run\] all domains: 4 messages would be failed\.\n$/,
    )
    expect((await ctl('fail', 'domain', 'quiet', 'x.example')).text).toBe(
      'x.example purged. 3 messages failed.\n',
    )
    expect(await domains()).toEqual([['y.example', 1]])
  })

  test('a worker that is killed under load is replaced, and nothing acknowledged is lost', async () => {
    const { smtpPort, stop } = await start(2)
    const load = pour(smtpPort, 'k')
    await load.more(10)
    for (const slot of [1, 0]) {
      const victim = (await workers()).find((worker) => worker.slot === slot)
      process.kill(victim?.pid ?? 0, 'SIGKILL')
      await running?.says(`worker ${slot} (process ${victim?.pid}) has ended, SIGKILL: replaced`)
      await load.more(20)
      await expect.poll(async () => (await workers()).filter(({ ready }) => ready)).toHaveLength(2)
    }
    await load.more(10)
    await load.stop()
    await expectAll(load.acknowledged)
    // Both have counted the same, also what the dead ones had.
    await expect.poll(async () => (await ctl('count')).text).toMatch(/^\d+\n$/)
    const counted = Number((await ctl('count')).text)
    expect(counted).toBeGreaterThanOrEqual(load.acknowledged.length - LOST_AT_ONCE)
    expect(await stop('SIGTERM')).toBe(0)
  }, 60_000)

  test('one that does not get to its events any more is killed and replaced', async () => {
    await writeFile(join(folder, 'p.lua'), POLICY('first'))
    await writeFile(join(folder, 'e.conf'), `${CONF(2)} worker_timeout = 2 ${QUICK}`)
    const { smtpPort } = (running = await serve(['--config', 'e.conf'], folder))
    const stuck = (await workers())[1]
    process.kill(stuck?.pid ?? 0, 'SIGSTOP')
    const load = pour(smtpPort, 's')
    await load.more(20)
    await running?.says(`worker 1 (process ${stuck?.pid}) has not answered for 2 s: killed`)
    await expect.poll(async () => (await workers()).filter(({ ready }) => ready)).toHaveLength(2)
    await load.more(20)
    await load.stop()
    await expectAll(load.acknowledged)
  }, 60_000)

  test('a reload under load goes through all, and no mail is lost or doubled', async () => {
    const { smtpPort, stop } = await start(2)
    const load = pour(smtpPort, 'r')
    await load.more(10)
    await writeFile(join(folder, 'p.lua'), POLICY('second'))
    running?.child.kill('SIGHUP')
    await expect.poll(async () => (await ctl('who')).text).toBe('second\n')
    await load.more(10)
    await writeFile(join(folder, 'p.lua'), 'this is no Lua')
    const refused = await ctl('config', 'reload')
    expect([refused.ok, (await ctl('who')).text]).toEqual([false, 'second\n'])
    expect(running?.stderr()).toContain('reload failed, the running configuration stays')
    await expect
      .poll(() => readFile(join(folder, 'paniclog.ec'), 'utf8'))
      .toMatch(/config: reload failed.*p\.lua/)
    await load.more(10)
    await load.stop()
    await expectAll(load.acknowledged)
    expect(await stop('SIGTERM')).toBe(0)
    expect(twice()).toEqual([])
  }, 60_000)

  test('one that takes the place of another has the configuration that the others have', async () => {
    await writeFile(join(folder, 'more.conf'), 'hostname = "mail.test"')
    await writeFile(join(folder, 'e.conf'), `${CONF(2)}\ninclude "more.conf"`)
    await writeFile(join(folder, 'p.lua'), POLICY('first'))
    running = await serve(['--config', 'e.conf'], folder)
    // None of this was asked for.
    await writeFile(join(folder, 'p.lua'), POLICY('not yet'))
    await writeFile(join(folder, 'more.conf'), 'no such = thing {')
    await rm(join(folder, 'e.conf'))
    const before = await workers()
    for (const { pid } of before) process.kill(pid, 'SIGKILL')
    const isReplaced = async (): Promise<boolean> => {
      const now = (await workers()).filter(({ ready }) => ready)
      return now.length === 2 && now.every(({ pid }) => before.every((each) => each.pid !== pid))
    }
    await expect.poll(isReplaced).toBe(true)
    expect((await ctl('who')).text).toBe('first\n')
    expect((await ctl('config', 'reload')).ok).toBe(false)
    await writeFile(join(folder, 'e.conf'), CONF(2))
    expect((await ctl('config', 'reload')).ok).toBe(true)
    expect((await ctl('who')).text).toBe('not yet\n')
    const [first] = await workers()
    process.kill(first?.pid ?? 0, 'SIGKILL')
    await running.says(`(process ${first?.pid}) has ended, SIGKILL: replaced`)
    await expect.poll(async () => (await workers()).filter(({ ready }) => ready).length).toBe(2)
    expect((await ctl('who')).text).toBe('not yet\n')
  }, 60_000)

  test('with another number of them at the next start all mail is delivered', async () => {
    await sink.close()
    const before = await start(3)
    const load = pour(before.smtpPort, 'n')
    await load.more(30)
    await load.stop()
    expect(await before.stop('SIGTERM')).toBe(0)
    sink = await openSink()
    await start(2)
    await expectAll(load.acknowledged)
    expect(twice()).toEqual([])
  }, 60_000)

  test('delivery that is suspended is so in workers that are new', async () => {
    const before = await start(2)
    await ctl('suspend', 'domain', 'x.example')
    expect(await before.stop('SIGTERM')).toBe(0)
    const { smtpPort } = await start(3)
    for (const domain of ['x.example', 'y.example']) {
      // Turns go round.
      for (const name of ['a', 'b', 'c']) {
        const wire = await dial(smtpPort)
        await wire.expect('220')
        await send(wire, [`${name}@${domain}`])
        wire.reset()
      }
    }
    await sink.waitFor(3, 10_000)
    expect(sink.mail.map(({ rcptto }) => rcptto).sort()).toEqual([
      'a@y.example',
      'b@y.example',
      'c@y.example',
    ])
    await ctl('resume', 'domain', 'x.example')
    await sink.waitFor(6, 10_000)
  })

  test('links that are denied lead nowhere at all of them, also after a restart', async () => {
    const links = 'click_tracking_enabled = true tracking_domain = "track.example:8080"'
    const { smtpPort } = await start(2, links)
    const wire = await dial(smtpPort)
    await wire.expect('220')
    await send(wire, ['a@x.example'])
    wire.reset()
    await sink.waitFor(1, 10_000)
    const [path = ''] = trackedPaths(sink.mail[0]?.bytes.toString('latin1') ?? '')
    // On connections of their own: turns go round.
    const statuses = async () => {
      const asked = [1, 2, 3, 4].map(() => get(`${running?.httpUrl}${path}`))
      return [...new Set(await Promise.all(asked))]
    }
    expect(await statuses()).toEqual([302])
    const told = (): Promise<string> => readFile(join(folder, 'events.jsonl'), 'utf8')
    await expect.poll(told).toContain('"message_id"')
    const id = /"message_id":"(\w+)"/.exec(await told())?.[1]
    expect((await ctl('deny', 'message', id ?? '')).text).toBe(
      `links of message ${id} lead nowhere\n`,
    )
    expect(await statuses()).toEqual([404])
    expect((await ctl('deny')).text).toMatch(new RegExp(`^message ${id} \\(since .*\\)\n$`))
    await running?.stop('SIGTERM')
    running = await serve(['--config', 'e.conf'], folder)
    expect(await statuses()).toEqual([404])
    await ctl('allow', 'message', id ?? '')
    expect(await statuses()).toEqual([302])
    expect((await ctl('deny', 'sender', 'x')).ok).toBe(false)
  })

  test('traces of all are listed and found, by the console and over HTTP', async () => {
    const { smtpPort } = await start(2)
    await ctl('trace', 'on')
    const wires = [await dial(smtpPort), await dial(smtpPort)]
    for (const [i, wire] of wires.entries()) {
      await wire.expect('220')
      await send(wire, [`t${i}@x.example`])
    }
    const listed = await json<{
      sample: number
      receptions: { rcpttos: string[]; atMs: number }[]
    }>('trace', 'list')
    expect([listed.sample, listed.receptions.length]).toEqual([1, 2])
    expect((await ctl('trace', 'list')).text.match(/trace on/g)).toHaveLength(1)
    const recent = (await askControl(folder, 'GET', '/trace')) as {
      batchId: string
      atMs: number
    }[]
    expect(recent).toEqual(listed.receptions)
    for (const { batchId } of recent) {
      const records = (await askControl(
        folder,
        'GET',
        `/trace/${batchId.replaceAll('/', '.')}`,
      )) as {
        callout: string
        batchId: string
      }[]
      expect(records.map((record) => record.batchId)).toContain(batchId)
    }
    for (const wire of wires) wire.reset()
  })

  test('what the console has set holds in a worker that takes the place of another, until a reload', async () => {
    await start(2)
    await ctl('trace', 'on', '7')
    await ctl('config', 'set', 'message_expiration', '4000')
    await ctl('config', 'set', 'message_expiration', '5000')
    const [first] = await workers()
    process.kill(first?.pid ?? 0, 'SIGKILL')
    const isReplaced = async (): Promise<boolean> => {
      const now = (await workers()).filter(({ ready }) => ready)
      return now.length === 2 && now.every(({ pid }) => pid !== first?.pid)
    }
    await expect.poll(isReplaced).toBe(true)
    expect((await ctl('trace')).text).toMatch(/^trace on: one session in 7/)
    const expiration = async (): Promise<string> =>
      (await ctl('config', 'get', 'message_expiration')).text
    expect(await expiration()).toBe('message_expiration = 5000\n')
    expect((await ctl('config', 'reload')).ok).toBe(true)
    expect(await expiration()).not.toContain('5000')
    expect((await ctl('trace')).text).toMatch(/^trace on: one session in 7/)
  })

  test('what policy sets in one worker soon holds in all, and in one that comes later', async () => {
    await start(2)
    await writeFile(
      join(folder, 'p.lua'),
      `local mod = {}
       function mod:validate_rcptto(msg, str, ac, vctx)
         msys.config("set", "message_expiration", (msg:rcptto():match("%d+")))
       end
       msys.registerModule("p", mod)
       msys.registerControl("expires", function() print(msys.config("get", "message_expiration")) end)`,
    )
    expect((await ctl('config', 'reload')).ok).toBe(true)
    const wire = await dial(running?.smtpPort ?? 0)
    await wire.expect('220')
    await send(wire, ['7000@x.example', '8000@x.example'])
    // Policy of each of them says its own.
    const said = async (): Promise<string> => (await ctl('expires')).text
    await expect.poll(said).toMatch(/^8000\b.*\n$/)
    const [first] = await workers()
    process.kill(first?.pid ?? 0, 'SIGKILL')
    await expect
      .poll(async () => (await workers()).filter(({ pid, ready }) => ready && pid !== first?.pid))
      .toHaveLength(2)
    expect(await said()).toMatch(/^8000\b.*\n$/)
    wire.reset()
  })

  test('a new session goes to the worker that has the fewest', async () => {
    const { smtpPort } = await start(2)
    const sessions = async (): Promise<number[]> => (await workers()).map((row) => row.sessions)
    const total = async (): Promise<number> => (await sessions()).reduce((sum, each) => sum + each)
    const held: Wire[][] = [[], []]
    for (let i = 1; i <= 4; i++) {
      const wire = await dial(smtpPort)
      await wire.expect('220')
      await expect.poll(total).toBe(i)
      const taker = (await sessions()).findIndex((count, slot) => count > (held[slot]?.length ?? 0))
      held[taker]?.push(wire)
    }
    expect(held.map((wires) => wires.length)).toEqual([2, 2])
    for (const wire of held[1] ?? []) wire.reset()
    await expect.poll(sessions).toEqual([2, 0])
    // Turns alone would give each of them one.
    const more = await Promise.all([dial(smtpPort), dial(smtpPort)])
    await expect.poll(sessions).toEqual([2, 2])
    for (const wire of [...more, ...(held[0] ?? [])]) wire.reset()
    expect((await ctl('workers')).text).toMatch(/^0 {2}\d+ {2}ready, \d sessions\n/)
  })

  test('a limit of sessions is one for all of them', async () => {
    const { smtpPort } = await start(2, 'listener_sessions = 3')
    const greeted = async (): Promise<[code: string, wire: Wire]> => {
      const wire = await dial(smtpPort)
      return [(await wire.reply()).slice(0, 3), wire]
    }
    const held = [await greeted(), await greeted(), await greeted()]
    expect(held.map(([code]) => code)).toEqual(['220', '220', '220'])
    // A worker hears of the other's sessions a moment later; turns go round.
    const twoMore = async (): Promise<string[]> => {
      const both = [await greeted(), await greeted()]
      for (const [, wire] of both) wire.reset()
      return both.map(([code]) => code)
    }
    await expect.poll(twoMore).toEqual(['421', '421'])
    held[0]?.[1].reset()
    await expect.poll(async () => (await twoMore()).includes('220')).toBe(true)
  })

  test('what is wrong at the start is said once, and the exit code is that of one process', async () => {
    await writeFile(join(folder, 'e.conf'), CONF(3))
    await writeFile(join(folder, 'p.lua'), 'this is no Lua')
    const { code, stderr } = await run(process.execPath, [MAIN, 'serve', '--config', 'e.conf'], {
      cwd: folder,
    })
    expect([code, stderr.split('\n').filter((line) => line.includes('p.lua:1'))]).toEqual([
      78,
      [expect.stringContaining('p.lua:1')],
    ])
  })
})

const TOKEN = 'token-of-sixteen-or-more'

/** Two workers; the page's address, with its token. */
async function startWithPage(): Promise<{ smtpPort: number; url: string }> {
  const page = `control_listener { listen "127.0.0.1:0" {} control_token = "${TOKEN}" }`
  await writeFile(join(folder, 'e.conf'), CONF(2) + page)
  await writeFile(join(folder, 'p.lua'), POLICY('first'))
  running = await serve(['--config', 'e.conf'], folder)
  const { data } = await ctl('page')
  const [url = ''] = data as string[]
  return { smtpPort: running.smtpPort, url }
}

test.skipIf(!hasBrowser)(
  'a browser shows a row for each worker, and what it does',
  { timeout: 60_000 },
  async () => {
    const { smtpPort, url } = await startWithPage()
    const browser = await openBrowser()
    onTestFinished(() => browser.close())
    const page = await browser.newPage({ viewport: { width: 400, height: 900 } })
    await page.goto(url)
    const rows = async (): Promise<string[][]> =>
      (await page.locator('#workers tr').allInnerTexts()).map((row) => row.split('\t'))
    const known = (await workers()).map(({ slot, pid }) => `${slot} (process ${pid})`)
    await expect.poll(rows).toHaveLength(2)
    expect((await rows()).map(([name, state]) => [name, state])).toEqual(
      known.map((name) => [name, 'ready']),
    )
    const wires = await Promise.all([1, 2, 3, 4].map(() => dial(smtpPort)))
    for (const wire of wires) await wire.expect('220')
    const sessions = async (): Promise<number[]> => (await rows()).map((row) => Number(row[3]))
    await expect.poll(async () => (await sessions()).reduce((sum, each) => sum + each)).toBe(4)
    const [, others] = await sessions()
    const [first] = await workers()
    process.kill(first?.pid ?? 0, 'SIGKILL')
    await expect.poll(async () => (await rows())[0]?.[0]).not.toBe(known[0])
    await expect.poll(sessions).toEqual([0, others])
    for (const wire of wires) wire.reset()
  },
)

test('the page shows all workers as one server', async () => {
  const { smtpPort, url } = await startWithPage()
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/login\?token=token-of-sixteen-or-more$/)
  for (const rcptto of ['a@rcpt.example', 'b@rcpt.example', 'c@rcpt.example']) {
    const wire = await dial(smtpPort)
    await wire.expect('220')
    await wire.ask('EHLO client.example', '250')
    await send(wire, [rcptto])
    wire.reset()
  }
  await sink.waitFor(3, 10_000)
  const headers = { authorization: `Bearer ${TOKEN}` }
  const stream = await fetch(new URL('/stream', url), { headers })
  let isDone = false
  let shown: unknown
  let redis: unknown
  const seen = new Map<string, string>()
  let text = ''
  for await (const chunk of stream.body ?? []) {
    text += Buffer.from(chunk).toString()
    const whole = text.split('\n\n')
    text = whole.pop() ?? ''
    for (const line of whole) {
      const news = JSON.parse(line.replace(/^data: /, '')) as PageNews
      for (const { copies } of news.messages)
        for (const { rcptto, outcome } of copies) seen.set(rcptto, outcome)
      isDone ||= news.overview.counts.delivered === 3
      shown = news.overview.workers.map(({ slot, pid, state }) => [slot, pid, state])
      redis = news.overview.redis
    }
    if (isDone) break
  }
  const rows = await workers()
  expect(shown).toEqual(rows.map(({ slot, pid }) => [slot, pid, 'ready']))
  expect(redis).toBeUndefined()
  expect([...seen].toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
    ['a@rcpt.example', 'delivered'],
    ['b@rcpt.example', 'delivered'],
    ['c@rcpt.example', 'delivered'],
  ])
})
