// What README says of testing and recording, run as it stands there.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manual } from '../support/manual.ts'
import { freePort } from '../support/port.ts'
import { MAIN, run } from '../support/process.ts'
import { serverPerTest } from '../support/server.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const start = serverPerTest()

let folder: string
let readme: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-readme-'))
  readme = manual()
})

/** As the recorded server's. */
const CONFIGURATION = `
hostname = "mail.test"
scriptlet "scriptlet" { script "autumn" { source = "autumn" } }
smtpapi {}
esmtp_listener {
  listen "127.0.0.1:2525" {}
  relay_hosts = ( 127.0.0.0/8 )
  open_tracking_enabled = true
  click_tracking_enabled = true
  tracking_domain = "track.example:8080"
}`

afterEach(() => rm(folder, { recursive: true }))

/** The block of code that begins with that comment. */
function fileIn(comment: string): string {
  const at = readme.indexOf(`\`\`\`lua\n-- ${comment}\n`)
  expect(at).toBeGreaterThan(0)
  return readme.slice(at + 7, readme.indexOf('\n```', at))
}

/** The commands of a section: their words, without comments. */
function commandsIn(section: string): string[][] {
  const [, block = ''] =
    new RegExp(`\n## ${section}\n\n\`\`\`sh\n([^\`]*)\`\`\``).exec(readme) ?? []
  return block
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/))
}

test('the tests that ship with us pass by the command of README', async () => {
  const [[, , ...args] = []] = commandsIn('Testing policy')
  expect(args[0]).toBe('test')
  expect(await run(process.execPath, [MAIN, ...args], { cwd: ROOT })).toMatchObject({
    code: 0,
    stderr: '',
  })
})

test("README's policy passes README's test", async () => {
  await mkdir(join(folder, 'rules'))
  await writeFile(join(folder, 'rules/autumn.lua'), fileIn('rules/autumn.lua'))
  await writeFile(join(folder, 'rules/autumn_test.lua'), fileIn('rules/autumn_test.lua'))
  await writeFile(
    join(folder, 'rules/newsletter.eml'),
    'Subject: autumn\nContent-Type: text/html\n\n<p><a href="https://shop.example/">shop</a></p>\n',
  )
  const { code, stdout } = await run(process.execPath, [MAIN, 'test', 'rules'], { cwd: folder })
  expect(stdout).toMatch(/✓ does not track people who objected\n1 passed/)
  expect(code).toBe(0)
})

test('a session is recorded, played again and used to compare policies by the commands of README', async () => {
  const autumn = fileIn('rules/autumn.lua')
  for (const name of ['old', 'new']) {
    await mkdir(join(folder, name))
    await writeFile(join(folder, name, 'autumn.lua'), autumn)
  }
  await writeFile(join(folder, 'autumn.lua'), autumn)
  await writeFile(join(folder, 'ecelerity.conf'), CONFIGURATION)
  const [recording = [], ...others] = commandsIn('Recorded sessions')
  const capture = await freePort()
  const server = await start({
    wayOut: `gateway = "127.0.0.1:${capture}"`,
    policy: { autumn },
    listener: 'open_tracking_enabled = true click_tracking_enabled = true',
  })
  const real: Readonly<Record<string, string>> = {
    ':2525': '127.0.0.1:0',
    'mx.example.com:25': `127.0.0.1:${server.smtpPort}`,
    ':2600': `127.0.0.1:${capture}`,
    'smarthost:25': `127.0.0.1:${server.sink.port}`,
  }
  const args = recording.slice(1).map((word) => real[word] ?? word)
  const recorder = spawn(process.execPath, [MAIN, ...args], { cwd: folder })
  let said = ''
  recorder.stderr.on('data', (chunk) => (said += String(chunk)))
  await expect.poll(() => said).toMatch(/^recording smtp=/)
  const transport = createTransport({
    host: '127.0.0.1',
    port: Number(/:(\d+) /.exec(said)?.[1]),
    ignoreTLS: true,
  })
  await transport.sendMail({
    from: 'news@shop.example',
    to: ['carol@privacy.example', 'anna@x.example'],
    subject: 'Autumn',
    html: '<p>Dear Anna, <a href="https://shop.example/">look</a></p>',
  })
  transport.close()
  await server.sink.waitFor(2, 10_000)
  for (const name of ['rejectlog.ec', 'mainlog.ec']) {
    await writeFile(join(folder, name), await server.log(name))
  }
  recorder.kill('SIGTERM')
  await once(recorder, 'exit')
  expect(
    (await readdir(join(folder, 'cases'))).filter((name) => name.endsWith('.session')),
  ).toHaveLength(1)
  // What our server did, redacted, is what a rehearsal of its policy does with redacted mail.
  const verbs: string[] = []
  for (const [, ...words] of others) {
    const result = await run(process.execPath, [MAIN, ...words], { cwd: folder })
    expect([words, result.code, result.stderr]).toEqual([words, 0, ''])
    expect(result.stdout).toMatch(
      /: no difference\n$|: 1 sessions, |^0 of 2 recipients in 1 cases change\n$/,
    )
    verbs.push(words[0] ?? '')
  }
  expect(verbs).toEqual(['replay', 'replay', 'cases', 'diff-policy'])
})
