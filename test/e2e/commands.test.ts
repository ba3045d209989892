// The commands of the README and of the folder READMEs, and clients that are not ours.
import { spawnSync } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { MAIN, run, serve } from '../support/process.ts'
import { copyFor, sendOne, startServer, trackedPaths } from '../support/server.ts'

const ROOT = new URL('../..', import.meta.url).pathname

test('the demo shows the main job and exits 0', async () => {
  const { code, stdout, stderr } = await run(process.execPath, [MAIN, 'demo'])
  expect(stderr).toBe('')
  expect(stdout).toContain('302 Location: https://shop.lindenhof.example/order')
  expect(stdout).toContain('All as expected')
  expect(code).toBe(0)
})

test('the demo fails loudly when something is not as expected', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'eachrcpt-demo-'))
  for (const part of ['build', 'examples', 'policy', 'lua', 'package.json']) {
    await cp(join(ROOT, part), join(folder, part), { recursive: true })
  }
  await cp(join(ROOT, 'node_modules'), join(folder, 'node_modules'), { recursive: true })
  const script = join(folder, 'examples/newsletter.lua')
  const text = await readFile(script, 'utf8')
  await writeFile(script, text.replace('["privacy.example"] = true', ''))
  const { code, stderr } = await run(process.execPath, [join(folder, 'build/cli/main.js'), 'demo'])
  await rm(folder, { recursive: true })
  expect(stderr).toContain('carol@privacy.example: expected a body that is the same to the octet')
  expect(code).toBe(1)
}, 60_000)

test('the example of the README is a configuration that loads', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const [, example = ''] = /```\n# ecelerity\.conf\n(.*?)```/s.exec(readme) ?? []
  const options = { lenient: false, defaultHostname: 'x', folder: '/tmp' }
  const { config, warnings } = parseConfig(example, 'README.md', options)
  expect(config.hostname).toBe('mail.example.com')
  expect(warnings.filter((warning) => !/client may/.test(warning))).toEqual([])
})

test('the policy of the README runs', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const [, policy = ''] = /```lua\n(.*?)```/s.exec(readme) ?? []
  const server = await startServer({
    policy: { p: policy },
    listener: 'click_tracking_enabled = true',
  })
  await sendOne(server, ['a@privacy.example', 'b@x.example'])
  expect(trackedPaths(await copyFor(server, 'a@privacy.example', 2))).toHaveLength(0)
  expect(trackedPaths(await copyFor(server, 'b@x.example', 2))).toHaveLength(1)
  await server.close()
})

const hasSwaks = spawnSync('swaks', ['--version']).status === 0

describe.skipIf(!hasSwaks && process.env['CI'] !== 'true')(
  'swaks (skipped where it is not installed)',
  () => {
    test('sends the example newsletter and gets its 250', async () => {
      const server = await startServer({
        listener: 'open_tracking_enabled = true click_tracking_enabled = true',
      })
      const to = `127.0.0.1:${server.smtpPort}`
      const data = join(ROOT, 'examples/newsletter.eml')
      const sent = `--server ${to} --from me@lindenhof.example --to you@customer.example --data @${data}`
      const { code, stdout } = await run('swaks', sent.split(' '))
      expect(stdout).toMatch(/<- {2}250 2\.0\.0 OK 00\/00-/)
      expect(code).toBe(0)
      const copy = await copyFor(server, 'you@customer.example')
      const parsed = await simpleParser(Buffer.from(copy, 'latin1'))
      expect(parsed.subject).toBe('Chairs of ash – and a tour on Saturday')
      expect(trackedPaths(copy).length).toBeGreaterThan(15)
      await server.close()
    })

    test('the line that serve prints works, and so does the one of examples/README.md', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'eachrcpt-lines-'))
      const text = (await readFile(join(ROOT, 'examples/newsletter.conf'), 'utf8'))
        .replace('listen "127.0.0.1:2525"', 'listen "127.0.0.1:0"')
        .replace('listen "127.0.0.1:8080"', 'listen "127.0.0.1:0"')
        .replaceAll('../var/newsletter', folder)
      await writeFile(join(folder, 'newsletter.conf'), text)
      await cp(join(ROOT, 'examples/newsletter.lua'), join(folder, 'newsletter.lua'))
      const running = await serve(['--config', 'newsletter.conf'], folder)
      const [, printed = ''] = /^try it +(.*)$/m.exec(running.stdout()) ?? []
      const readme = await readFile(join(ROOT, 'examples/README.md'), 'utf8')
      const [documented = ''] = /^swaks .*$/m.exec(readme) ?? []
      for (const line of [printed, documented.replace('2525', String(running.smtpPort))]) {
        const { code, stdout } = await run('sh', ['-c', line], { cwd: ROOT })
        expect([code, stdout]).toEqual([0, expect.stringContaining('250 2.0.0 OK')])
      }
      expect(await running.stop('SIGTERM')).toBe(0)
      await rm(folder, { recursive: true })
    })

    test('pipelines, and talks to several recipients', async () => {
      const server = await startServer()
      const sent = `--server 127.0.0.1:${server.smtpPort} --pipeline --from a@b.example --to one@x.example,two@x.example`
      const { code } = await run('swaks', [...sent.split(' '), '--body', '.dots\n..more\n.'])
      expect(code).toBe(0)
      expect(await copyFor(server, 'two@x.example', 2)).toMatch(
        /\r\n\r\n\.dots\r\n\.\.more\r\n\.\r\n/,
      )
      await server.close()
    })
  },
)
