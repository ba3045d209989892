// `eachrcpt config check` and `config print --effective`.
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { config } from '../../src/cli/config.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-config-'))
  await writeFile(
    join(folder, 'good.conf'),
    `hostname = "mail.grüße.example"
     spoolbase = "spool"
     domain "slow.example" { retry_interval = 77 }
     scriptlet "scriptlet" { script "p" { source = "p" } }
     engagement_tracker { tracking_keys = [ a = "000102030405060708090a0b0c0d0e0f" ] }
     esmtp_listener {
       listen "127.0.0.1:2525" {}
       tracking_domain = "t.example"
       peer "10.0.0.0/8" { max_message_size = 7 }
     }`,
  )
  await writeFile(
    join(folder, 'p.lua'),
    'msys.registerModule("p", { validate_data = function() end })',
  )
  await writeFile(
    join(folder, 'bad.conf'),
    'scriptlet "scriptlet" {\n script "q" { source = "q" }\n}',
  )
  await writeFile(join(folder, 'q.lua'), 'local = 1\n')
  await writeFile(join(folder, 'odd.conf'), '\nnonsense = 1\n')
})
afterAll(() => rm(folder, { recursive: true }))

async function run(...args: readonly string[]) {
  let stdout = ''
  let stderr = ''
  const placed = args.map((arg) => (arg.endsWith('.conf') ? join(folder, arg) : arg))
  const code = await config(placed, {
    write: (chunk) => void (stdout += chunk),
    complain: (line) => void (stderr += `${line}\n`),
    readInput: () => Promise.resolve(Buffer.alloc(0)),
    isColoured: false,
  })
  return { code, stdout, stderr }
}

test('check loads configuration and scripts, and opens nothing', async () => {
  expect(await run('check', '--config', 'good.conf')).toEqual({
    code: 0,
    stdout: 'good: 1 SMTP listener, 0 HTTP listeners, 1 script, 0 warnings\n',
    stderr: '',
  })
  await expect(access(join(folder, 'spool'))).rejects.toThrow(/ENOENT/)
})

test.each([
  [['check', '--config', 'bad.conf'], 78, /q\.lua:1: /],
  [['check', '--config', 'odd.conf'], 78, /odd\.conf:2: option "nonsense"/],
  [['check', '--config', 'none.conf'], 66, /ENOENT.*none\.conf/],
  [['print'], 2, /expected --effective/],
  [['nonsense'], 2, /expected check or print/],
  [['check', '--nonsense'], 2, /Unknown option '--nonsense'/],
])('says what is wrong: %j', async (args, code, complaint) => {
  const result = await run(...args)
  expect(result.stderr).toMatch(complaint)
  expect(result.code).toBe(code)
})

test('check takes what is unknown with a warning when it is lenient', async () => {
  const { code, stderr } = await run('check', '--config', 'odd.conf', '--lenient')
  expect(code).toBe(0)
  expect(stderr).toMatch(/odd\.conf:2: option "nonsense" is unknown in global: ignored/)
})

test('print gives every option as it holds for a client and a domain, but no secret', async () => {
  const args = ['print', '--effective', '--config', 'good.conf']
  const { stdout } = await run(...args, '--peer', '10.1.2.3', '--domain', 'slow.example')
  const lines = stdout.split('\n')
  for (const line of [
    'hostname = "mail.grüße.example"',
    '# listen "127.0.0.1:2525" for 10.1.2.3',
    'max_message_size = 7',
    'tracking_domain = "t.example"',
    'click_tracking_enabled = false',
    '# delivery to slow.example',
    'retry_interval = 77',
    'tracking_keys = (not shown)',
  ]) {
    expect(lines).toContain(line)
  }
  expect(stdout).not.toContain('0001020304')
  const other = await run(...args, '--json')
  const sections = JSON.parse(other.stdout) as { title: string; options: Record<string, string> }[]
  const listen = sections.find(({ title }) => title.startsWith('listen '))
  expect(listen?.options['max_message_size']).toBe('52428800')
})
