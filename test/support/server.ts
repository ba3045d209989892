// A whole server for tests: the real one, on free ports of loopback, in a folder that is removed again,
// relaying to a sink.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { openSink, type Sink } from '../../src/cli/sink.ts'
import { parseConfig } from '../../src/config/load.ts'
import type { Place } from '../../src/place.ts'
import { openServer, type Server } from '../../src/server.ts'
import type { Acceptance } from '../../src/smtp/reception.ts'
import { dial, type Wire } from './wire.ts'

export interface TestServerOptions {
  /** Scripts by name, in stanza order. */
  readonly policy?: Readonly<Record<string, string>>
  /** Options of the esmtp_listener. */
  readonly listener?: string
  /** Further stanzas. */
  readonly more?: string
  /** In place of the sink. */
  readonly wayOut?: string
  /** One that stays; without it the server has one of its own. */
  readonly folder?: string
  readonly place?: Place
  readonly onAccepted?: (acceptance: Acceptance) => void
  /** Variables of OpenTelemetry. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface TestServer {
  readonly server: Server
  readonly sink: Sink
  readonly folder: string
  readonly smtpPort: number
  readonly httpUrl: string
  dial(): Promise<Wire>
  /** Events of the event log, by type, when there are that many. */
  events(count: number): Promise<TestEvent[]>
  log(name: string): Promise<string>
  /** Reads the configuration anew, changed by `change`. */
  reload(change: (text: string) => string): Promise<void>
  close(): Promise<void>
}

export interface TestEvent {
  readonly class: string
  readonly type: string
  readonly [field: string]: unknown
}

const TRACKING_DOMAIN = 'track.example:8080'

export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'eachrcpt-server-')))
  const sink = await openSink()
  const scripts = Object.entries(options.policy ?? {})
  for (const [name, text] of scripts) await writeFile(join(folder, `${name}.lua`), text)
  let text = `
    hostname = "mail.test"
    spoolbase = "spool"
    ${options.wayOut ?? `gateway = "127.0.0.1:${sink.port}"`}
    scriptlet "scriptlet" { ${scripts.map(([name]) => `script "${name}" { source = "${name}" }`).join('\n')} }
    smtpapi {}
    esmtp_listener {
      listen "127.0.0.1:0" {}
      relay_hosts = ( 127.0.0.0/8 )
      tracking_domain = "${TRACKING_DOMAIN}"
      ${options.listener ?? ''}
    }
    http_listener { listen "127.0.0.1:0" {} }
    ec_logger { mainlog = "mainlog.ec" rejectlog = "rejectlog.ec" paniclog = "paniclog.ec" acctlog = "acctlog.ec" }
    event_hydrant { write_jlog = true jlog_filename = "events.jsonl" }
    ${options.more ?? ''}`
  const server = await openServer({
    load: () =>
      parseConfig(text, 'test.conf', { lenient: false, defaultHostname: 'mail.test', folder }),
    warn: () => {},
    ...(options.place && { place: options.place }),
    ...(options.onAccepted && { onAccepted: options.onAccepted }),
    ...(options.environment && { environment: options.environment }),
  })
  const smtpPort = server.smtp[0]?.port ?? 0
  const log = async (name: string): Promise<string> => {
    await server.flushLogs()
    return readFile(join(folder, name), 'utf8')
  }
  return {
    server,
    sink,
    folder,
    smtpPort,
    httpUrl: `http://127.0.0.1:${server.http[0]?.port}`,
    dial: () => dial(smtpPort),
    log,
    async events(count) {
      for (;;) {
        const lines = (await log('events.jsonl')).split('\n').filter((line) => line !== '')
        if (lines.length >= count) return lines.map(parseEvent)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    async reload(change) {
      text = change(text)
      await server.reload()
    },
    async close() {
      await server.close()
      await sink.close()
      if (options.folder === undefined) await rm(folder, { recursive: true })
    },
  }
}

/** Starts a server for the test that runs; it is closed after it. */
export function serverPerTest(): (options?: TestServerOptions) => Promise<TestServer> {
  const running: TestServer[] = []
  afterEach(async () => {
    for (const test of running.splice(0)) await test.close()
  })
  return async (options) => {
    const test = await startServer(options)
    running.push(test)
    return test
  }
}

export const MESSAGE = [
  'From: News <news@sender.example>',
  'To: you@rcpt.example',
  'Subject: hello',
  'Date: Sat, 21 Nov 2026 09:00:00 +0000',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<html><body><a href="https://e.com/?a=1&amp;b=2">x</a></body></html>',
  '',
].join('\r\n')

/** Sends one message on an open session that has said EHLO; returns the reply to the final dot. */
export async function send(wire: Wire, rcpttos: readonly string[], message = MESSAGE) {
  await wire.ask('MAIL FROM:<news@sender.example>', '250')
  for (const rcptto of rcpttos) await wire.ask(`RCPT TO:<${rcptto}>`, '250')
  await wire.ask('DATA', '354')
  wire.send(`${message.replace(/^\./gm, '..')}.\r\n`)
  return wire.reply()
}

/** A session for one message: dials, says EHLO, sends, quits. */
export async function sendOne(test: TestServer, rcpttos: readonly string[], message = MESSAGE) {
  const wire = await test.dial()
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  const reply = await send(wire, rcpttos, message)
  await wire.ask('QUIT', '221')
  wire.end()
  return reply
}

/** The copy that one recipient got, when `count` have arrived. */
export async function copyFor(test: TestServer, rcptto: string, count = 1): Promise<string> {
  await test.sink.waitFor(count, 10_000)
  const mail = test.sink.mail.find((copy) => copy.rcptto === rcptto)
  if (!mail) throw new Error(`${rcptto} got nothing`)
  return mail.bytes.toString('latin1')
}

/** Header (without our Received field) and body. */
export function parts(copy: string): { readonly header: string; readonly body: string } {
  const end = copy.indexOf('\r\n\r\n') + 2
  const header = copy
    .slice(0, end)
    .replace(/^Received: from client\.example .*\r\n(?:[ \t].*\r\n)*/, '')
  return { header, body: copy.slice(end + 2) }
}

/** Tracked links and pixels of a copy, as paths, soft line breaks undone. */
export function trackedPaths(copy: string): string[] {
  const joined = copy.replaceAll('=\r\n', '')
  return [...joined.matchAll(/https?:\/\/track\.example:8080(\/[fq]\/[\w/~-]+)/g)].map(
    ([, path]) => path!,
  )
}

function parseEvent(line: string): TestEvent {
  const { msys } = JSON.parse(line) as { msys: Record<string, Record<string, unknown>> }
  const [name, fields] = Object.entries(msys)[0]!
  return { ...fields, type: String(fields['type']), class: name }
}
