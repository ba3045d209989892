// `eachrcpt demo`: the main job on a real newsletter, with the policy and configuration of examples/, on
// free ports of loopback and in a folder that is removed again. Exits 1 when anything is not as expected.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../config/load.ts'
import { openServer, type Server } from '../server.ts'
import type { Acceptance } from '../smtp/reception.ts'
import { readCopies } from './copyreader.ts'
import { expectCopies, expectEvents } from './expectation.ts'
import { BUNDLED_FOLDERS, EXAMPLES_FOLDER } from './folders.ts'
import { openInjector } from './injector.ts'
import { openSink, type Sink } from './sink.ts'
import { say, showCopy, showEvents, showNext, showStart } from './story.ts'
import { visit } from './visit.ts'

export async function demo(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'eachrcpt-demo-'))
  const sink = await openSink()
  const accepted: Acceptance[] = []
  let server: Server | undefined
  try {
    server = await startServer(folder, sink, (acceptance) => void accepted.push(acceptance))
    await play(server, sink, accepted, join(folder, 'log/events.jsonl'))
    return 0
  } catch (error) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  } finally {
    await server?.close()
    await sink.close()
    await rm(folder, { recursive: true })
  }
}

/** The example's own configuration; only ports, folders and the way out are replaced. */
async function startServer(
  folder: string,
  sink: Sink,
  onAccepted: (acceptance: Acceptance) => void,
): Promise<Server> {
  const file = join(EXAMPLES_FOLDER, 'newsletter.conf')
  const text = (await readFile(file, 'utf8'))
    .replaceAll('127.0.0.1:2525', '127.0.0.1:0')
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${await freePort()}`)
    .replace(/^maildir = .*$/m, `gateway = "127.0.0.1:${sink.port}"`)
    .replaceAll('../var/newsletter', folder)
  const options = { lenient: false, defaultHostname: 'mail.example', searchPath: BUNDLED_FOLDERS }
  return openServer({
    load: () => parseConfig(text, file, { ...options, folder: EXAMPLES_FOLDER }),
    // The key is made for this run only.
    warn: () => {},
    onAccepted,
  })
}

async function play(
  server: Server,
  sink: Sink,
  accepted: readonly Acceptance[],
  eventFile: string,
): Promise<void> {
  const newsletter = await readFile(join(EXAMPLES_FOLDER, 'newsletter.eml'))
  showStart(server, sink.port)

  say('\n2. The newsletter comes in over SMTP: for two recipients, then with XSETCONTEXT for one\n')
  await inject(server, newsletter)
  await sink.waitFor(3, 5000)

  say('\n3. What each recipient gets, and why')
  const copies = await readCopies(newsletter, accepted, sink.mail)
  for (const copy of copies) showCopy(copy)
  expectCopies(newsletter, copies)

  say('\n4. Anna opens the mail and clicks "Order chair no. 1"\n')
  const anna = copies.find(({ rcptto }) => rcptto.startsWith('anna@'))
  const visited = await visit(anna?.copyHtml ?? '')

  say('\n5. The events that come of it, as a webhook or log reader gets them\n')
  const events = await expectEvents(eventFile, visited)
  showEvents(events)
  showNext()
}

async function inject(server: Server, newsletter: Buffer): Promise<void> {
  const show = (direction: string, line: string): void => say(`   ${direction} ${line}\n`)
  const injector = await openInjector(server.smtp[0]?.port ?? 0, show)
  await injector.say('EHLO shop.lindenhof.example')
  await injector.say('MAIL FROM:<bounce@lindenhof.example>')
  await injector.say('RCPT TO:<ben@partner.example>')
  await injector.say('RCPT TO:<carol@privacy.example>')
  await injector.data(newsletter)
  await injector.say('XSETCONTEXT smtpapi_campaign_id=crm-2026-47 mo_customer_id=7')
  await injector.say('MAIL FROM:<bounce@lindenhof.example>')
  await injector.say('RCPT TO:<anna@customer.example>')
  await injector.data(newsletter)
  await injector.say('QUIT')
  injector.close()
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
