// Policy that is written anew, in a main script of another name, and reloaded again and again while mail flows: 50
// messages a second of 2 KB, whose commands come some time apart, so that reloads fall into them. Each tenth edition has
// a syntax error, each tenth one raises after it has registered its module. A session remembers the edition that
// greeted it; a callout, or a file, of another one would refuse its mail. Some messages take as long as five reloads: one
// that has come to its DATA is taken by the policy that it began with, before that its session is told to end, and a
// client sends it again. Says what was lost, came twice, met two editions or was refused, how long a client waits for
// its 250, and how memory grows. Linux only. Run:
//   npm run bench -- reload [reloads [milliseconds between [files]]]
//   npm run bench -- reload 1000 100 1
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../support/port.ts'
import { startSink } from './load.ts'
import { startEachrcptWith } from './servers.ts'

const RELOADS = Number(process.argv[2] ?? 60)
const EVERY_MS = Number(process.argv[3] ?? 1000)
const FILES = Number(process.argv[4] ?? 1000)
const CLIENTS = 20
const MESSAGES_A_SECOND = 50
const MESSAGES_OF_A_SESSION = 5
/** Before each command of a message, at most. */
const PAUSE_MS = 40
/** Each so many messages one waits for five reloads, the first time: before DATA and before the final dot, in turns. */
const SLOW_ONE_OF = 20
const SLOW_MS = 5 * EVERY_MS
const MOST_TRIES = 20
const BODY = `Subject: x\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(26)}.`

const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-bench-'))
const own = join(folder, 'ours')
const sink = await startSink()
const httpPort = await freePort()
writePolicy(0)
const server = await startEachrcptWith('ours', resolve('build/cli/main.js'), own, config(0))
const waits: number[] = []
const turnarounds: number[] = []
const replies = new Map<string, number>()
const slow = new Set<number>()
const began = performance.now()
let begun = 0
let accepted = 0
let mixed = 0
let isOver = false
const clients = Promise.allSettled(Array.from({ length: CLIENTS }, client))
try {
  const samples = [await memory()]
  for (let edition = 1; edition <= RELOADS; edition++) {
    await reloadTo(edition)
    if (edition % Math.ceil(RELOADS / 10) === 0) samples.push(await memory())
  }
  isOver = true
  for (const client of await clients) if (client.status === 'rejected') throw client.reason
  for (let tries = 0; tries < 100 && sink.taken() < accepted; tries++) await delay(100)
  await delay(500)
  await report(samples)
} finally {
  isOver = true
  await clients
  await server.stop()
  sink.kill()
  rmSync(folder, { recursive: true })
}

async function report(samples: readonly string[]): Promise<void> {
  const others = [...replies].map(([reply, count]) => `\n  ${count} x ${reply}`).join('')
  console.log(
    `${RELOADS} reloads of ${FILES} files in ${((performance.now() - began) / 1000).toFixed(0)} s: ` +
      `${await reloads('ok')} in force, ${await reloads('failed')} refused; until a new session has it ` +
      `${spread(turnarounds)}\n` +
      `${accepted} messages: ${accepted + sink.twice() - sink.taken()} lost, ${sink.twice()} twice, ${mixed} by two ` +
      `editions; dot to 250 ${spread(waits)}\n` +
      `other replies: ${others || 'none'}\n` +
      `memory at the start and after each tenth of the reloads: ${samples.join(', ')}`,
  )
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): string =>
    (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1)
  return `p50 ${at(0.5)} p99 ${at(0.99)} at most ${at(1)} ms`
}

/** Throws when an edition is not in force that should be, or one that should not. */
async function reloadTo(edition: number): Promise<void> {
  await delay(Math.max(0, began + edition * EVERY_MS - performance.now()))
  const mistake = mistakeOf(edition)
  const before = await reloads('failed')
  writePolicy(edition)
  writeFileSync(join(own, 'bench.conf'), config(edition))
  const start = performance.now()
  process.kill(server.pid, 'SIGHUP')
  const isDone = async (): Promise<boolean> =>
    mistake ? (await reloads('failed')) > before : isInForce(edition)
  while (!(await isDone())) {
    if (performance.now() - start > 20_000) throw new Error(`edition ${edition} is not taken up`)
    await delay(5)
  }
  if (!mistake) turnarounds.push(performance.now() - start)
  else if (await isInForce(edition)) throw new Error(`edition ${edition} is in force`)
  rmSync(join(folder, `main${edition - 3}.lua`), { force: true })
}

function mistakeOf(edition: number): 'syntax' | 'error' | undefined {
  if (edition === 0 || edition % 5 > 0) return undefined
  return edition % 10 === 0 ? 'syntax' : 'error'
}

async function isInForce(edition: number): Promise<boolean> {
  const session = await open()
  await session.ask('MAIL FROM:<a@b.example>')
  const reply = await session.ask(`RCPT TO:<${edition}@edition.example>`)
  await session.ask('QUIT')
  return reply.startsWith('250')
}

/** Resident, and heap in use. */
async function memory(): Promise<string> {
  const usedMb = (await metric('nodejs_heap_size_used_bytes')) / 2 ** 20
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
  const residentMb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
  return `${residentMb.toFixed(0)} MB (heap ${usedMb.toFixed(0)})`
}

function reloads(result: 'ok' | 'failed'): Promise<number> {
  return metric(`eachrcpt_policy_reload_total{result="${result}"}`)
}

/** 0 when there is none yet. */
async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith(`${name} `))
  return Number(line?.slice(name.length) ?? 0)
}

async function client(): Promise<void> {
  while (!isOver) {
    let session = await open()
    for (let i = 0; i < MESSAGES_OF_A_SESSION && !isOver; i++) {
      const number = begun++
      await delay(Math.max(0, began + (number * 1000) / MESSAGES_A_SECOND - performance.now()))
      for (let tries = 1; !(await send(session, number)); tries++) {
        if (tries === MOST_TRIES) throw new Error(`message ${number} was never taken`)
        session = await open()
      }
    }
    await session.ask('QUIT')
  }
}

/** False: the server wants another session. */
async function send({ ask }: Session, number: number): Promise<boolean> {
  for (const command of [
    'MAIL FROM:<bounce@sender.test>',
    `RCPT TO:<user${number}@customer.example>`,
    'DATA',
    BODY,
  ]) {
    const isBody = command === BODY
    const isSlow = command === slowAt(number) && !slow.has(number)
    if (isSlow) slow.add(number)
    await delay(isSlow ? SLOW_MS : Math.random() * PAUSE_MS)
    const start = performance.now()
    const reply = await ask(command)
    if (isBody && reply.startsWith('250')) waits.push(performance.now() - start)
    if (/^(250|354)/.test(reply)) continue
    if (reply.includes('two editions')) mixed++
    const what = `${isBody ? 'the dot' : command.slice(0, 4)}: ${reply || 'the end'}`
    replies.set(what, (replies.get(what) ?? 0) + 1)
    return false
  }
  accepted++
  return true
}

/** The command that a message waits long before. */
function slowAt(number: number): string | undefined {
  if (number % SLOW_ONE_OF > 0) return undefined
  return number % (2 * SLOW_ONE_OF) > 0 ? 'DATA' : BODY
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
    const reply = await hear()
    if (reply.startsWith('421')) socket.end()
    return reply
  }
  await ask('EHLO injector.test')
  return { ask }
}

function writePolicy(edition: number): void {
  const mistake = mistakeOf(edition)
  const filler = Array.from({ length: 10 }, (_, n) => `function m.f${n}(a, b) return a .. b end`)
  const text = `local m = { edition = "${edition}" }\n${filler.join('\n')}\nreturn m\n`
  for (let i = 1; i <= FILES; i++) {
    const isBroken = mistake === 'syntax' && i === Math.ceil(FILES / 2)
    writeFileSync(join(folder, `file${i}.lua`), isBroken ? `this is no Lua\n${text}` : text)
  }
  const end = mistake === 'error' ? 'error("after all")' : ''
  writeFileSync(join(folder, `main${edition}.lua`), mainScript(edition) + end)
}

function mainScript(edition: number): string {
  return `local EDITION, CONN = "${edition}", msys.core.VCTX_CONN
local files = {}
for i = 1, ${FILES} do files[i] = require("file" .. i) end
local function judge(vctx, refusal)
  local isOne = vctx:get(CONN, "edition") == EDITION
  for i = 1, ${FILES} do isOne = isOne and files[i].edition == EDITION end
  if isOne and not refusal then return msys.core.VALIDATE_CONT end
  vctx:set_code(550, isOne and refusal or "two editions")
  return msys.core.VALIDATE_DONE
end
local mod = {}
function mod:validate_connect(accept, vctx)
  vctx:set(CONN, "edition", EDITION)
  return msys.core.VALIDATE_CONT
end
function mod:validate_mailfrom(str, accept, vctx) return judge(vctx) end
function mod:validate_rcptto(msg, str, accept, vctx)
  local asked = string.match(msg:rcptto(), "^(%d+)@edition.example$")
  return judge(vctx, asked and asked ~= EDITION and "another edition")
end
function mod:validate_data(msg, accept, vctx) return judge(vctx) end
function mod:validate_data_spool(msg, accept, vctx) return judge(vctx) end
function mod:validate_data_spool_each_rcpt(msg, accept, vctx) return judge(vctx) end
msys.registerModule("main", mod)
`
}

function config(edition: number): string {
  return `hostname = "bench.test"
spoolbase = "${folder}/spool"
gateway = "127.0.0.1:${sink.port}"
scriptlet "scriptlet" { search_path = ( "${folder}" ) script "main" { source = "main${edition}" } }
esmtp_listener { listen "127.0.0.1:0" {} relay_hosts = ( 127.0.0.0/8 ) }
http_listener { listen "127.0.0.1:${httpPort}" {} serve_metrics = true }
`
}
