// `eachrcpt events`: the events of all servers, as a program reads them from a pipe.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MAIN, run } from '../support/process.ts'
import { freePort } from '../support/port.ts'
import { hasRedis, startRedis } from '../support/redis.ts'

async function start(port: number) {
  const cwd = await mkdtemp(join(tmpdir(), 'eachrcpt-follow-'))
  onTestFinished(() => rm(cwd, { recursive: true }))
  await writeFile(
    join(cwd, 'e.conf'),
    `redis { uri = "redis://127.0.0.1:${port}" stream = "ev" }
     engagement_tracker { tracking_keys = [ a = "00112233445566778899aabbccddeeff" ] }`,
  )
  return (...args: string[]) =>
    run(process.execPath, [MAIN, 'events', '--config', 'e.conf', ...args], { cwd })
}

describe.skipIf(!hasRedis)('eachrcpt events (needs redis-server)', () => {
  test('prints what is there; of a group each line once', async () => {
    const redis = await startRedis()
    const add = (n: number) => redis.cli('XADD', 'ev', '*', 'type', 'open', 'event', `{"n":${n}}`)
    for (const n of [1, 2, 3]) add(n)
    const events = await start(redis.port)
    const all = '{"n":1}\n{"n":2}\n{"n":3}\n'
    expect(await events()).toEqual({ code: 0, stdout: all, stderr: '' })
    expect((await events('--group', 'g')).stdout).toBe(all)
    expect((await events('--group', 'g')).stdout).toBe('')
    add(4)
    expect((await events('--group', 'g')).stdout).toBe('{"n":4}\n')
    expect((await events('--group', 'h', '--from', 'now')).stdout).toBe('')
  })

  test('says what is wrong', async () => {
    const events = await start(await freePort())
    expect(await events()).toMatchObject({ code: 69, stderr: /^events: .*ECONNREFUSED/ })
    expect(await events('--from', 'x')).toMatchObject({ code: 2, stderr: /--from: expected/ })
  })
})
