import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, test } from 'vitest'
import { type Spool, openSpool } from '../../src/spool/spool.ts'
import { idsOf, makeDirectory, open } from './fixtures.ts'
import { makeDisk } from './powercut.ts'
import { check, dataOf, makeRandom, runWorkload } from './workload.ts'

const ROOT = new URL('../..', import.meta.url).pathname

/** `CRASH_KILLS=200 npm run test:crash` for more. */
const KILLS = Number(process.env['CRASH_KILLS'] ?? 5)

/** The process to kill as plain JavaScript, which Node 20 needs. */
function compile(outDir: string): string {
  const options = ['--ignoreConfig', '--noCheck', '--target', 'es2023', '--module', 'nodenext']
  const places = ['--rewriteRelativeImportExtensions', '--rootDir', ROOT, '--outDir', outDir]
  const { status, stdout } = spawnSync(
    join(ROOT, 'node_modules/.bin/tsc'),
    [...options, ...places, 'test/spool/killed.ts'],
    { cwd: ROOT, encoding: 'utf8' },
  )
  expect(stdout).toBe('')
  expect(status).toBe(0)
  writeFileSync(join(outDir, 'package.json'), '{"type":"module"}')
  return join(outDir, 'test/spool/killed.js')
}

/** Runs it until it has printed so many lines; gives all that it printed before it died. */
async function killAfter(lines: number, script: string, args: string[]): Promise<string[]> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const printed: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    printed.push(line)
    if (printed.length === lines) child.kill('SIGKILL')
  }
  await closed
  expect(child.signalCode).toBe('SIGKILL')
  return printed
}

async function damagedData(spool: Spool): Promise<string[]> {
  const damaged: string[] = []
  for (const stored of spool.recovered) {
    const { batchId: id } = await spool.entry(stored)
    if (!(await spool.read(stored)).equals(dataOf(id))) damaged.push(id)
  }
  return damaged
}

describe('a process that is killed', () => {
  test('has lost no message that it had acknowledged', { timeout: 15_000 * KILLS }, async () => {
    const outDir = makeDirectory()
    const script = compile(outDir)
    const directory = makeDirectory()
    const random = makeRandom(20)
    const ledger: string[] = []
    for (let round = 0; round < KILLS; round++) {
      const lines = 1 + Math.floor(random() * 600)
      ledger.push(...(await killAfter(lines, script, [directory, String(round)])))
      const spool = await open(directory)
      const found = new Set(await idsOf(spool))
      expect(check(ledger, found)).toEqual({ lost: [], halfReplaced: [] })
      expect(await damagedData(spool)).toEqual([])
      await spool.close()
    }
    expect(ledger.length).toBeGreaterThan(KILLS * 100)
  })
})

describe('a power cut', () => {
  test('at any moment loses no message that was acknowledged', { timeout: 60_000 }, async () => {
    const random = makeRandom(4)
    const base = makeDirectory()
    const cuts: { directory: string; ledger: string[] }[] = []
    const ledger: string[] = []
    const disk = makeDisk((_, when) => {
      if (cuts.length >= 40 || when === 'after' || random() > 0.2) return
      const directory = join(base, `cut${cuts.length}`)
      disk.cut(random, directory)
      cuts.push({ directory, ledger: [...ledger] })
    })
    const spool = await openSpool({
      directory: join(base, 'spool'),
      segmentBytes: 200_000,
      files: disk.files,
      report: (text) => expect(text).toBe(''),
    })
    const note = (line: string): number => ledger.push(line)
    const common = { spool, random, ledger: note, concurrency: 5 }
    await runWorkload({ ...common, prefix: 'm', messages: 300 })
    await spool.close()
    expect(cuts).toHaveLength(40)

    for (const cut of cuts) {
      const after = await open(cut.directory)
      const found = new Set(await idsOf(after))
      expect(check(cut.ledger, found)).toEqual({ lost: [], halfReplaced: [] })
      expect(await damagedData(after)).toEqual([])
      await after.close()
    }
  })
})
