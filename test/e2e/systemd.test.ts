// What systemd hears: the datagrams that arrive at the socket of the unit, sent by its own program.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MAIN } from '../support/process.ts'

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0
const isPossible = has('systemd-notify') && has('python3')
if (!isPossible && process.env['CI']) throw new Error('systemd-notify or python3 is missing')

const UNIT = new URL('../../examples/systemd/eachrcpt.service', import.meta.url).pathname

/** Prints each datagram as a line of JSON. */
const LISTEN = `
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('"bound"', flush=True)
while True: print(json.dumps(s.recv(4096).decode()), flush=True)`

let folder: string
let children: ChildProcess[]
let heard: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-systemd-'))
  children = []
  heard = ''
  await writeFile(
    join(folder, 'e.conf'),
    `hostname = "mail.test"
     spoolbase = "spool"
     esmtp_listener { listen "127.0.0.1:0" {} }
     ec_logger { mainlog = "" rejectlog = "" paniclog = "p.ec" }`,
  )
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

async function startUnderSystemd(environment: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const path = join(folder, 'notify')
  const socket = spawn('python3', ['-c', LISTEN, path])
  children.push(socket)
  socket.stdout.on('data', (text) => (heard += String(text)))
  await expect.poll(() => heard).toContain('"bound"')
  const env = { ...process.env, NOTIFY_SOCKET: path, ...environment }
  const server = spawn(process.execPath, [MAIN, 'serve', '--config', 'e.conf'], {
    cwd: folder,
    env,
  })
  children.push(server)
  return server
}

/** The variables that were sent, without what systemd-notify says for itself. */
const variables = (): string[] =>
  [...heard.matchAll(/^".*"$/gm)].flatMap(([line]) => (JSON.parse(line) as string).split('\n'))

describe.skipIf(!isPossible)('under systemd', () => {
  test('tells that it is up, that it reloads, and that it stops', async () => {
    const server = await startUnderSystemd({})
    await expect.poll(variables).toContain('READY=1')
    expect(variables().find((each) => each.startsWith('STATUS='))).toMatch(
      /^STATUS=ready smtp=127\.0\.0\.1:\d+ http=$/,
    )
    expect(variables()).not.toContain('WATCHDOG=1')
    heard = ''
    server.kill('SIGHUP')
    await expect.poll(variables).toContain('RELOADING=1')
    await expect.poll(variables).toContain('READY=1')
    await writeFile(join(folder, 'e.conf'), 'broken')
    heard = ''
    server.kill('SIGHUP')
    await expect
      .poll(() => variables().join())
      .toContain('STATUS=the last reload failed, paniclog says why; ready smtp=')
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    await expect.poll(variables).toContain('STOPPING=1')
    expect(await ended).toEqual([0, null])
  })

  test('gives signs of life as often as the watchdog wants', async () => {
    await startUnderSystemd({ WATCHDOG_USEC: '100000' })
    const beats = () => variables().filter((each) => each === 'WATCHDOG=1').length
    await expect.poll(beats).toBeGreaterThan(2)
  })

  test('gives none for a watchdog that waits for another process', async () => {
    await startUnderSystemd({ WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' })
    await expect.poll(variables).toContain('READY=1')
    expect(variables()).not.toContain('WATCHDOG=1')
  })
})

test.skipIf(!has('systemd-analyze'))('the unit is one that systemd takes', () => {
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', UNIT], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
})
