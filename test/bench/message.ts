// What policy pays for a message of 20 KB with 30 header fields: reading and setting a field from Lua, and
// locating its MIME tree, beside mailparser reading the same message. Run:
//   npm run bench -- message
import { performance } from 'node:perf_hooks'
import { simpleParser } from 'mailparser'
import { openState } from '../../src/lua/state.ts'
import type { LuaFunction } from '../../src/lua/value.ts'
import { splitAddress } from '../../src/mail/address.ts'
import { emptyContext } from '../../src/mail/context.ts'
import { splitHeader } from '../../src/mime/field.ts'
import { parseParts } from '../../src/mime/part.ts'
import type { MessageHandle } from '../../src/msys/handle.ts'
import { installMsys } from '../../src/msys/install.ts'

const ROUNDS = 15
const LOOP = 5000

const mail = Buffer.from(message(), 'latin1')
const split = splitHeader(mail)
const handle: MessageHandle = {
  kind: 'message',
  isDetached: true,
  current: {
    id: '00/00-1-A',
    batchId: '00/00-1-A',
    connectionId: '00/00-1-9',
    base: mail,
    ...split,
    envelope: { mailfrom: splitAddress('a@b.example'), rcptto: splitAddress('c@d.example') },
    context: emptyContext(),
    receivedMs: 0,
  },
}
const budget = { cpuMs: 60_000, wallMs: 60_000, allocBytes: 1e12, maxStringBytes: 2 ** 26 }
const state = openState({ print() {}, warn() {}, roots: [], budget })
const wrap = installMsys(state, {
  registerModule() {},
  callSite: () => undefined,
  nowMs: () => 0,
  panic() {},
} as unknown as Parameters<typeof installMsys>[1])
const msg = wrap(handle)

console.log(
  `${mail.length} octets, ${split.fields.length} fields, ${parseParts(split.fields, split.body).children.length} parts`,
)
const nothing = perCall('nothing', 'local x = i')
report('msg:header(name)', perCall('read', 'local x = msg:header("X-Field-17")[1]') - nothing, 3)
report('msg:header(name, value)', perCall('set', 'msg:header("X-Field-17", "value")') - nothing, 10)
report(
  'msg:header(name, UTF-8)',
  perCall('utf', 'msg:header("X-Field-17", "gr\\195\\188\\195\\159e")') - nothing,
  10,
)

const located = best(() => {
  for (let i = 0; i < LOOP; i++) parseParts(split.fields, split.body)
})
report('the MIME tree located', (located / LOOP) * 1000, 50)
const parsed = await bestOf(async () => {
  for (let i = 0; i < 20; i++) await simpleParser(mail)
})
console.log(`mailparser reads it in ${((parsed / 20) * 1000).toFixed(0)} us`)

/** Microseconds for one turn of a loop. */
function perCall(name: string, body: string): number {
  const source = `return function(msg) for i = 1, ${LOOP} do ${body} end end`
  const [run] = state.call(state.load(Buffer.from(source), name), []) as [LuaFunction]
  return (best(() => void state.call(run, [msg])) / LOOP) * 1000
}

/** Milliseconds of the fastest of some rounds. */
function best(run: () => void): number {
  let fastest = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    run()
    fastest = Math.min(fastest, performance.now() - start)
  }
  return fastest
}

async function bestOf(run: () => Promise<void>): Promise<number> {
  let fastest = Infinity
  for (let round = 0; round < 3; round++) {
    const start = performance.now()
    await run()
    fastest = Math.min(fastest, performance.now() - start)
  }
  return fastest
}

function report(what: string, us: number, most: number): void {
  console.log(`${what.padEnd(24)} ${us.toFixed(2)} us, at most ${most}`)
}

/** 20 KB: text, HTML as quoted-printable, an attachment in base64. */
function message(): string {
  const fields = Array.from(
    { length: 29 },
    (_, i) => `X-Field-${i}: a value of usual length ${i}\r\n`,
  )
  const html = '<p style=3D"color:red">Some text with a <a href=3D"https://e.com/">link</a></p>\r\n'
  const lines = (count: number, line: string): string => line.repeat(count)
  return `${fields.join('')}Content-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n--inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${lines(60, 'A line of plain text that says what the page says.\r\n')}--inner\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${lines(100, html)}--inner--\r\n--outer\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines(88, `${'QUJD'.repeat(19)}\r\n`)}--outer--\r\n`
}
