// `eachrcpt run` as its user has it: the built program, its output, its exit codes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'parse5'
import { run as runCommand } from '../../src/cli/run.ts'
import type { RunReport } from '../../src/rehearsal/report.ts'
import { manual } from '../support/manual.ts'
import { MAIN } from '../support/process.ts'

const ROOT = new URL('../../', import.meta.url).pathname
const EXAMPLE = join(ROOT, 'examples/newsletter')
const NEWSLETTER = [`${EXAMPLE}.lua`, '--message', `${EXAMPLE}.eml`]
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-run-'))
  await writeFile(join(folder, 'bad.lua'), 'local mod = {\n')
  await writeFile(
    join(folder, 'raise.lua'),
    `local mod = {}
     function mod:validate_data(msg, ac, vctx) error("oops") end
     msys.registerModule("raise", mod)`,
  )
  await writeFile(join(folder, 'm.eml'), 'Subject: \x1b[31m<b>\nTo: a@b.example\n\nhello\n')
  await writeFile(join(folder, 'n.eml'), 'Subject: a\n\nhello\n')
  await writeFile(join(folder, 'bad.conf'), 'hostname = "a"\nnonsense = 1\n')
})
afterAll(() => rm(folder, { recursive: true }))

/** The command in this process: starting another one takes longer than its work. */
async function run(args: readonly string[], input = '') {
  let stdout = ''
  let stderr = ''
  const code = await runCommand(args, {
    write: (chunk) => void (stdout += chunk),
    complain: (line) => void (stderr += `${line}\n`),
    readInput: () => Promise.resolve(Buffer.from(input)),
    isColoured: false,
  })
  return { code, stdout, stderr }
}

/** The built program. */
async function eachrcpt(...args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: ROOT })
  child.stdin.end()
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { code: child.exitCode, stdout, stderr }
}

describe('eachrcpt run', () => {
  test('tells for each recipient what became of the mail, without colours in a pipe', async () => {
    const rcpttos = ['anna@customer.example', 'carol@privacy.example']
    const named = rcpttos.flatMap((rcptto) => ['--rcpt', rcptto])
    const { code, stdout, stderr } = await eachrcpt('run', ...NEWSLETTER, ...named, '--trace')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).not.toContain('\x1b')
    const lines = stdout.split('\n').map((line) => line.trim().replaceAll(/ +/g, ' '))
    expect(lines).toContain('== anna@customer.example accepted 250 2.0.0 OK 00/00-1-00000002')
    expect(lines).toContain(
      'message smtpapi_open_tracking (none) → "1" newsletter:validate_data_spool_each_rcpt',
    )
    expect(lines).toContain('+ X-Audience: customer')
    expect(lines).toContain(
      'tracked (full) text/html line 27 https://shop.lindenhof.example/order?item=ash-01&qty=1&sig=Zm9v%2Bbar%3D (order)',
    )
    expect(lines).toContain('pixel inserted')
    expect(lines).toContain('part 2 text/html: the same, 2916 octets')
    expect(stdout).toMatch(
      /validate_data_spool_each_rcpt newsletter <carol@privacy\.example> {2}\d/,
    )
    expect(stdout).toMatch(
      /tokens {5}17 click, 2 unsubscribe, 1 open: messageId=\S+ rawRcptTo=anna@/,
    )
  })

  test('says the same to programs, with the octets that would be relayed; twice the same', async () => {
    const args = [...NEWSLETTER, '--rcpt', 'ben@partner.example', '--json', '--from', 'x@y.example']
    const out = join(folder, 'out')
    const [first, second] = await Promise.all([run([...args, '--eml-out', out]), run(args)])
    expect(second.stdout).toBe(first.stdout)
    const report = JSON.parse(first.stdout) as RunReport
    const [ben] = report.recipients
    expect(ben).toMatchObject({ rcptto: 'ben@partner.example', verdict: 'accepted' })
    expect(ben?.copy).toMatchObject({
      mailfrom: 'x@y.example',
      binding: 'default',
      header: { added: [{ name: 'Received' }, { name: 'X-Audience', value: 'partner' }] },
    })
    expect(report).not.toHaveProperty('trace')
    expect(await readdir(out)).toEqual(['ben@partner.example.eml'])
    const eml = await readFile(join(out, 'ben@partner.example.eml'))
    expect(eml.toString('base64')).toBe(ben?.copy?.bytes)
    expect(eml.toString('latin1').replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  })

  test('makes a page that stands alone and has no script', async () => {
    const { code, stdout } = await run(['--message', join(folder, 'm.eml'), '--html', '--trace'])
    expect(code).toBe(0)
    expect(stdout).not.toMatch(/<script|<link|https?:\/\/(?!127\.0\.0\.1)|\bon\w+=/i)
    const errors: string[] = []
    parse(stdout, { onParseError: ({ code: name }) => errors.push(name) })
    expect(errors).toEqual([])
  })

  test('reads the mail from standard input, and who it is for from its header', async () => {
    const { stdout } = await run(
      ['--message', '-', '--quiet'],
      'From: Me <me@a.example>\nTo: "B" <b@b.example>, c@c.example\n\nhi\n',
    )
    expect(stdout).toBe(
      '== b@b.example  accepted  250 2.0.0 OK 00/00-1-00000002\n== c@c.example  accepted  250 2.0.0 OK 00/00-1-00000002\n',
    )
  })

  test('asks nobody but its fixtures', async () => {
    const lua = join(folder, 'dns.lua')
    await writeFile(
      lua,
      `local mod = {}
       function mod:validate_data(msg, ac, vctx)
         local found = msys.dnsLookup("x.example", "a")
         vctx:set(msys.core.VCTX_MESS, "found", found[1])
         return msys.core.VALIDATE_CONT
       end
       msys.registerModule("dns", mod)`,
    )
    const args = [lua, '--message', join(folder, 'm.eml')]
    const refused = await run(args)
    expect(refused.code).toBe(1)
    expect(refused.stdout).toContain('the fixtures have no dns answer for "A x.example"')
    const file = join(folder, 'fixtures.json')
    await writeFile(file, '{"dns": {"A x.example": ["192.0.2.9"]}}')
    const { code, stdout } = await run([...args, '--fixtures', file, '--trace'])
    expect(code).toBe(0)
    expect(stdout).toContain('found  (none) → "192.0.2.9"  dns:validate_data')
    expect(stdout).toMatch(/dns A x\.example → 192\.0\.2\.9 {2}\d/)
  })

  test('lets nothing of a mail reach the terminal as control characters', async () => {
    const { stdout } = await run(['--message', join(folder, 'm.eml'), '--raw'])
    // oxlint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/[\0-\x09\x0b-\x1f]/)
  })

  const m = ['--message', 'm.eml']
  test.each([
    ['no message', [], 2, /--message FILE is missing/],
    ['an unknown option', ['--nonsense', ...m], 2, /Unknown option '--nonsense'/],
    ['a context without a value', [...m, '--context', 'a'], 2, /expected NAME=VALUE, found "a"/],
    ['a mail for nobody', ['--message', 'n.eml'], 2, /names no recipient/],
    ['a client without an address', [...m, '--ip', 'x'], 2, /"x" is no address/],
    ['a Listen that is not there', [...m, '--listen', 'x:1'], 2, /no Listen x:1/],
    ['fixtures that are none', [...m, '--fixtures', 'm.eml'], 65, /m\.eml: no JSON/],
    ['fixtures that are not there', [...m, '--fixtures', 'none.eml'], 66, /ENOENT/],
    ['a mail that is not there', ['--message', 'none.eml'], 66, /ENOENT.*none\.eml/],
    ['a policy that is not there', ['none.lua', ...m], 66, /ENOENT.*none\.lua/],
    ['a policy with a syntax error', ['bad.lua', ...m], 78, /bad\.lua:2: /],
    ['a configuration with an unknown option', ['--config', 'bad.conf', ...m], 78, /bad\.conf:2: /],
    ['a folder that cannot be made', [...m, '--eml-out', 'm.eml/x'], 73, /ENOTDIR/],
    ['a callout that raises', ['raise.lua', ...m, '--quiet'], 1, /^$/],
  ] as const)('exits as documented for %s', async (_, args, code, complaint) => {
    const placed = args.map((arg) =>
      /\.(?:lua|eml|conf)(?:\/x)?$/.test(arg) ? join(folder, arg) : arg,
    )
    const result = await run(placed)
    expect(result.stderr).toMatch(complaint)
    expect(result.code).toBe(code)
  })

  test('does what the manual shows', async () => {
    const shown = [...manual().matchAll(/^node build\/cli\/main\.js (run .*?)(?: +#.*)?$/gm)]
    expect(shown.length).toBeGreaterThan(0)
    for (const [, command = ''] of shown) {
      const { code, stderr } = await eachrcpt(...command.split(' '))
      expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' })
    }
  })

  test('has a help that fits a terminal', async () => {
    const { code, stdout } = await run(['--help'])
    expect(code).toBe(0)
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  })
})
