// How connections come to workers when something is wrong with one of them.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { tell } from '../support/control.ts'
import { freePort } from '../support/port.ts'
import { type Running, serve } from '../support/process.ts'

let folder: string
let running: Running | undefined
const sockets: Socket[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-handover-'))
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  running?.child.kill('SIGKILL')
  running = undefined
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

const POLICY = `
  local mod = {}
  function mod:validate_mailfrom(str, ac, vctx)
    if tostring(str):find("slow") then
      local began = os.clock()
      while os.clock() - began < 2 do end
    end
    return msys.core.VALIDATE_CONT
  end
  msys.registerModule("p", mod)`

async function configure(ports: readonly number[]): Promise<void> {
  const listen = ports.map((port) => `listen "127.0.0.1:${port}" {}`).join(' ')
  await writeFile(join(folder, 'p.lua'), POLICY)
  await writeFile(
    join(folder, 'e.conf'),
    `hostname = "mail.test"
     spoolbase = "spool"
     workers = 2
     scriptlet "scriptlet" { script "p" { source = "p" } callout_cpu_ms = 5000 }
     esmtp_listener { ${listen} relay_hosts = ( 127.0.0.0/8 ) }`,
  )
}

async function start(ports: readonly number[] = [0]): Promise<Running> {
  await configure(ports)
  return (running = await serve(['--config', 'e.conf'], folder))
}

interface Client {
  readonly socket: Socket
  /** The first reply code, or `eof`. */
  readonly began: Promise<string>
}

function dial(port: number): Client {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  const began = new Promise<string>((resolve) => {
    socket.once('data', (octets) => resolve(octets.toString('latin1', 0, 3)))
    for (const end of ['end', 'error', 'close']) socket.once(end, () => resolve('eof'))
  })
  return { socket, began }
}

/** Those that have begun by then. */
async function within(ms: number, clients: readonly Client[]): Promise<string[]> {
  const heard: string[] = []
  for (const { began } of clients) void began.then((code) => heard.push(code))
  await new Promise((resolve) => setTimeout(resolve, ms))
  return heard
}

const sessions = async (): Promise<number[]> =>
  ((await tell(folder, ['workers'])).data as { sessions: number }[]).map((row) => row.sessions)

test('a worker that is at something long holds up one connection, not the others', async () => {
  const { smtpPort } = await start()
  const [first, second] = [dial(smtpPort), dial(smtpPort)]
  expect([await first.began, await second.began]).toEqual(['220', '220'])
  await expect.poll(sessions).toEqual([1, 1])
  second.socket.write('MAIL FROM:<slow@x.example>\r\n')
  await new Promise((resolve) => setTimeout(resolve, 50))
  const others = Array.from({ length: 8 }, () => dial(smtpPort))
  expect((await within(1_000, others)).length).toBeGreaterThanOrEqual(7)
  expect(await Promise.all(others.map(({ began }) => began))).toEqual(others.map(() => '220'))
})

test('while listeners come and go no client is left without an answer, and no connection open', async () => {
  const [stays, goes] = [await freePort(), await freePort()]
  const { child } = await start([stays])
  const descriptors = async (): Promise<number> => (await readdir(`/proc/${child.pid}/fd`)).length
  const before = await descriptors()
  let isOver = false
  const answers = new Map<string, number>()
  const keepDialling = async (port: number): Promise<void> => {
    while (!isOver) {
      const { socket, began } = dial(port)
      const code = await began
      answers.set(code, (answers.get(code) ?? 0) + 1)
      socket.destroy()
      sockets.splice(sockets.indexOf(socket), 1)
    }
  }
  const dialling = [stays, goes, goes, goes, goes].map(keepDialling)
  for (let i = 0; i < 12; i++) {
    await configure(i % 2 === 0 ? [stays, goes] : [stays])
    expect((await tell(folder, ['config', 'reload'])).ok).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  isOver = true
  await Promise.all(dialling)
  expect(answers.get('220')).toBeGreaterThan(100)
  await expect.poll(descriptors).toBeLessThanOrEqual(before + 1)
  await expect.poll(sessions).toEqual([0, 0])
})

test.skipIf(spawnSync('prlimit', ['--version']).error)(
  'a connection that does not reach a worker for lack of descriptors is given up, and others get through',
  async () => {
    const { smtpPort } = await start()
    const { data } = await tell(folder, ['workers'])
    const few = (data as { pid: number }[]).map(({ pid }) => ['--pid', String(pid)])
    for (const about of few) spawnSync('prlimit', ['--nofile=45:45', ...about])
    const many = Array.from({ length: 80 }, () => dial(smtpPort))
    await within(500, many)
    for (const { socket } of many) socket.destroy()
    await running?.says('a connection has not reached process')
    await expect.poll(() => dial(smtpPort).began, { timeout: 30_000 }).toBe('220')
  },
)
