// The guide from Momentum to here, and the README of the starter folder: every command in them runs.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { MAIN, run, type Running, serve } from '../support/process.ts'

const EXAMPLES = new URL('../../examples/', import.meta.url).pathname
const hasSwaks = spawnSync('swaks', ['--version']).status === 0
const top = mkdtempSync(join(tmpdir(), 'eachrcpt-guide-'))
afterAll(() => rmSync(top, { recursive: true }))

interface Command {
  readonly line: string
  readonly words: readonly string[]
  readonly code: number
}

/** The lines of a document's shell blocks. */
function commandsOf(text: string): Command[] {
  return [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) =>
    block
      .trim()
      .split('\n')
      .map((line) => ({
        line,
        words: line.replace(/\s*#.*$/, '').split(/\s+/),
        code: Number(/# exits with (\d+)/.exec(line)?.[1] ?? 0),
      })),
  )
}

/** Files that a document shows: blocks whose first line is a comment with their name. */
function filesOf(text: string): (readonly [name: string, text: string])[] {
  return [...text.matchAll(/```\w*\n((?:#|--) (\S+\/\S+)\n.*?)```/gs)].map(
    ([, block = '', name = '']) => [name, block],
  )
}

/** A copy of a folder of examples whose server takes any free port. */
function copyOf(name: string): string {
  const folder = join(top, name)
  cpSync(join(EXAMPLES, name), folder, { recursive: true })
  const conf = join(folder, 'ecelerity.conf')
  writeFileSync(conf, readFileSync(conf, 'utf8').replace(/(listen "127\.0\.0\.1):\d+/g, '$1:0'))
  return folder
}

describe.each(['porting', 'starter'])('the README of examples/%s', (name) => {
  const text = readFileSync(join(EXAMPLES, name, 'README.md'), 'utf8')
  const folder = copyOf(name)
  for (const [path, content] of filesOf(text)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  let server: Running | undefined
  afterAll(async () => {
    await server?.stop('SIGTERM')
  })

  test.each(commandsOf(text))('$line', async ({ words, code }) => {
    const [program, ...args] = words
    if (program === 'eachrcpt' && args[0] === 'serve') {
      server = await serve(args.slice(1), folder)
    } else if (program === 'eachrcpt') {
      const finished = await run(process.execPath, [MAIN, ...args], { cwd: folder })
      expect(finished).toMatchObject({ code, stderr: '' })
      expect(finished.stdout).not.toBe('')
    } else {
      expect(program).toBe('swaks')
      if (!hasSwaks && process.env['CI'] !== 'true') return
      const port = `127.0.0.1:${server?.smtpPort}`
      const given = args.map((arg) => arg.replace('127.0.0.1:2525', port))
      expect(await run('swaks', given, { cwd: folder })).toMatchObject({ code })
      await expect.poll(() => readdirSync(join(folder, 'var/mail/new'))).toHaveLength(1)
    }
  })
})

test('the guide names every finding of its example, with its line', async () => {
  const text = readFileSync(join(EXAMPLES, 'porting/README.md'), 'utf8')
  const named = [...text.matchAll(/^\| `(\w+\.lua:\d+)`/gm)].map(([, place]) => place)
  const args = ['check', '--config', 'before/ecelerity.conf', '--quiet', '--level', 'info']
  const { stdout } = await run(process.execPath, [MAIN, ...args], { cwd: join(top, 'porting') })
  const found = [...stdout.matchAll(/^before\/policy\/(\w+\.lua:\d+):/gm)].map(([, place]) => place)
  expect([...new Set(found)]).toEqual([...new Set(named)])
})
