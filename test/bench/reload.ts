// Policy of 1,000 files that is written anew and reloaded again and again while mail flows, each tenth time with a
// mistake in one of them. Each message asks all files for their edition: a policy of two of them would refuse it.
// Says what was lost, came twice or was refused, how long a client waits for its 250, and how memory grows. Linux
// only. Run:
//   npm run bench -- reload [reloads [milliseconds between]]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { startSink } from './load.ts'
import { startEachrcptWith } from './servers.ts'

const RELOADS = Number(process.argv[2] ?? 60)
const EVERY_MS = Number(process.argv[3] ?? 1000)
const FILES = 1000
const CLIENTS = 10
const MESSAGES_OF_A_SESSION = 5
const PAUSE_MS = 20
const BODY = `Subject: x\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(26)}.`

const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-bench-'))
writePolicy(1)
const sink = await startSink()
const server = await startEachrcptWith(
  'ours',
  resolve('build/cli/main.js'),
  join(folder, 'ours'),
  config(),
)
const waits: number[] = []
const replies = new Map<string, number>()
let begun = 0
let accepted = 0
let isOver = false
const clients = Array.from({ length: CLIENTS }, client)
try {
  const settled = await reloadOften(1, Math.ceil(RELOADS / 3))
  const after = await reloadOften(Math.ceil(RELOADS / 3) + 1, RELOADS)
  isOver = true
  await Promise.all(clients)
  for (let tries = 0; tries < 100 && sink.taken() < accepted; tries++) await delay(100)
  report(settled, after)
} finally {
  isOver = true
  await Promise.allSettled(clients)
  await server.stop()
  sink.kill()
  rmSync(folder, { recursive: true })
}

function report(settledMb: number, afterMb: number): void {
  const sorted = waits.toSorted((a, b) => a - b)
  const at = (share: number): string =>
    (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1)
  const others = [...replies].map(([reply, count]) => `${count} x ${reply}`).join(', ')
  console.log(
    `${RELOADS} reloads of ${FILES} files, ${accepted} messages: ${accepted + sink.twice() - sink.taken()} lost, ` +
      `${sink.twice()} twice; other replies: ${others || 'none'}; dot to 250 p50 ${at(0.5)} p99 ${at(0.99)} at most ` +
      `${at(1)} ms; memory ${settledMb.toFixed(0)} MB after a third of the reloads, ${afterMb.toFixed(0)} MB at the end`,
  )
}

/** MB at the end. Throws when an edition is not in force that should be, or one that should not. */
async function reloadOften(first: number, last: number): Promise<number> {
  for (let edition = first + 1; edition <= last + 1; edition++) {
    const isBroken = edition % 10 === 0
    writePolicy(edition, isBroken ? 'this is no Lua' : '')
    process.kill(server.pid, 'SIGHUP')
    await delay(EVERY_MS)
    const inForce = await isInForce(edition)
    if (inForce === isBroken) throw new Error(`edition ${edition}: in force: ${inForce}`)
  }
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

async function isInForce(edition: number): Promise<boolean> {
  const session = await open()
  await session.ask('MAIL FROM:<a@b.example>')
  const reply = await session.ask(`RCPT TO:<${edition}@edition.example>`)
  await session.ask('QUIT')
  return reply.startsWith('250')
}

async function client(): Promise<void> {
  while (!isOver) {
    const session = await open()
    for (let i = 0; i < MESSAGES_OF_A_SESSION && (await send(session)); i++) await delay(PAUSE_MS)
    await session.ask('QUIT')
  }
}

/** False: the server wants another session. */
async function send({ ask }: Session): Promise<boolean> {
  const number = begun++
  for (const command of [
    'MAIL FROM:<bounce@sender.test>',
    `RCPT TO:<user${number}@customer.example>`,
    'DATA',
    BODY,
  ]) {
    const start = performance.now()
    const reply = await ask(command)
    if (command === BODY) waits.push(performance.now() - start)
    if (/^[23]5/.test(reply)) continue
    replies.set(reply, (replies.get(reply) ?? 0) + 1)
    return false
  }
  accepted++
  return true
}

interface Session {
  /** The last line of the reply; '' when the connection is over. */
  ask(command: string): Promise<string>
}

async function open(): Promise<Session> {
  const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => socket.destroy())
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  const hear = async (): Promise<string> => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) return ''
      if (value[3] === ' ') return value
    }
  }
  await hear()
  const ask = async (command: string): Promise<string> => {
    if (socket.writable) socket.write(`${command}\r\n`)
    return hear()
  }
  await ask('EHLO injector.test')
  return { ask }
}

function writePolicy(edition: number, mistake = ''): void {
  for (let i = 1; i <= FILES; i++) {
    const filler = Array.from({ length: 10 }, (_, n) => `function m.f${n}(a, b) return a .. b end`)
    const text = `local m = { edition = ${edition} }\n${filler.join('\n')}\nreturn m\n`
    writeFileSync(join(folder, `file${i}.lua`), i === FILES / 2 ? mistake + text : text)
  }
  writeFileSync(
    join(folder, 'main.lua'),
    `local files = {}
for i = 1, ${FILES} do files[i] = require("file" .. i) end
local mod = {}
function mod:validate_rcptto(msg, rcptto, accept, vctx)
  local asked = string.match(msg:rcptto(), "^(%d+)@edition.example$")
  if asked and tonumber(asked) ~= files[1].edition then
    vctx:set_code(550, "another edition")
    return msys.core.VALIDATE_DONE
  end
  return msys.core.VALIDATE_CONT
end
function mod:validate_data_spool(msg, accept, vctx)
  for i = 2, ${FILES} do
    if files[i].edition ~= files[1].edition then
      vctx:set_code(550, "two editions")
      return msys.core.VALIDATE_DONE
    end
  end
  return msys.core.VALIDATE_CONT
end
msys.registerModule("main", mod)
`,
  )
}

function config(): string {
  return `hostname = "bench.test"
spoolbase = "${folder}/spool"
gateway = "127.0.0.1:${sink.port}"
scriptlet "scriptlet" { search_path = ( "${folder}" ) script "main" { source = "main" } }
esmtp_listener { listen "127.0.0.1:0" {} relay_hosts = ( 127.0.0.0/8 ) }
`
}
