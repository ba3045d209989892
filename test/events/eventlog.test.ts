import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { contents, makeFolder, openLog, record, type TestLog } from './store.ts'

const segments = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.jsonl'))

test('what is appended is read back in order, once it is durable, also by the next run', async () => {
  const folder = makeFolder()
  const log = await openLog(folder)
  log.append(record('open', 1))
  log.append(record('click', 'grün'))
  expect(await contents(log)).toEqual([])
  await log.flush()
  const expected = [record('open', 1), record('click', 'grün')]
  expect(await contents(log)).toEqual(expected)
  await log.close()
  const next = await openLog(folder)
  expect(next.id).toBe(log.id)
  expect(await contents(next)).toEqual(expected)
  next.append(record('open', 3))
  await next.flush()
  expect(await contents(next, next.durable - record('open', 3).length - 1)).toEqual([
    record('open', 3),
  ])
})

test('without being asked an event is in the file at once and can be read soon', async () => {
  const folder = makeFolder()
  let told = (): void => {}
  const durable = new Promise<void>((resolve) => (told = resolve))
  const log = await openLog(folder, { onDurable: told })
  log.append(record('open', 1))
  await expect
    .poll(() => readFileSync(join(folder, segments(folder)[0]!), 'utf8'))
    .toBe(`${record('open', 1)}\n`)
  await durable
  expect(await contents(log)).toEqual([record('open', 1)])
})

test('a line that a crash cut short is removed, whatever its length; those before it stay', async () => {
  const folder = makeFolder()
  const log = await openLog(folder)
  log.append(record('open', 1))
  await log.close()
  const path = join(folder, segments(folder)[0]!)
  appendFileSync(path, `{"msys":${'x'.repeat(200_000)}`)
  const next = await openLog(folder)
  expect(next.reports.join()).toMatch(/an event that a crash cut short was removed/)
  next.append(record('open', 2))
  await next.flush()
  expect(await contents(next)).toEqual([record('open', 1), record('open', 2)])
})

test('segments are named by place, hold whole events, and go when nobody needs them', async () => {
  const folder = makeFolder()
  const log = await openLog(folder, { segmentBytes: 100 })
  const lines = Array.from({ length: 9 }, (_, i) => record('open', i))
  for (const line of lines) {
    log.append(line)
    await log.flush()
  }
  const size = lines[0]!.length + 1
  expect(segments(folder)).toEqual(
    [0, 2, 4, 6, 8].map((n) => `${String(n * size).padStart(16, '0')}.jsonl`),
  )
  expect(await contents(log)).toEqual(lines)
  await log.trim(5 * size)
  expect(segments(folder)).toHaveLength(3)
  expect(log.start).toBe(4 * size)
  expect(await contents(log)).toEqual(lines.slice(4))
  await log.trim(log.durable)
  expect(segments(folder)).toHaveLength(1)
})

test('what was told last stays for a while, though nobody needs it, also through a restart', async () => {
  const folder = makeFolder()
  const append = async (log: TestLog): Promise<void> => {
    for (let i = 0; i < 6; i++) {
      log.append(record('open', i))
      await log.flush()
    }
    await log.trim(log.durable)
  }
  const log = await openLog(folder, { segmentBytes: 100, keptMs: 60_000 })
  await append(log)
  await log.close()
  const next = await openLog(folder, { segmentBytes: 100, keptMs: 60_000 })
  await append(next)
  expect(await contents(next)).toHaveLength(12)
})

test('over its size the oldest events go, and that is told', async () => {
  const folder = makeFolder()
  const log = await openLog(folder, { segmentBytes: 100, maxBytes: 300 })
  for (let i = 0; i < 20; i++) {
    log.append(record('open', i))
    await log.flush()
  }
  expect(log.durable - log.start).toBeLessThanOrEqual(400)
  expect(log.reports[0]).toMatch(
    /octets of the oldest events are dropped: a sink is too far behind/,
  )
  expect((await contents(log)).at(-1)).toBe(record('open', 19))
})

test('a segment that a crash of the machine cut is passed over to the next', async () => {
  const folder = makeFolder()
  const log = await openLog(folder, { segmentBytes: 100 })
  for (let i = 0; i < 4; i++) {
    log.append(record('open', i))
    await log.flush()
  }
  await log.close()
  truncateSync(join(folder, segments(folder)[0]!), record('open', 0).length + 1)
  const next = await openLog(folder)
  expect(await contents(next)).toEqual([0, 2, 3].map((n) => record('open', n)))
})

test('a disk that takes nothing keeps events in memory; all are there when it does again', async () => {
  const folder = makeFolder()
  const log = await openLog(folder, { segmentBytes: 50 })
  log.append(record('open', 1))
  await log.flush()
  // The next segment cannot be made: something else has its name.
  const name = `${String(log.end).padStart(16, '0')}.jsonl`
  mkdirSync(join(folder, name))
  log.append(record('open', 2))
  log.append(record('open', 3))
  await log.flush()
  await log.flush()
  expect(log.reports).toHaveLength(1)
  expect(log.reports[0]).toMatch(/events are kept in memory, as they cannot be written: .*EEXIST/)
  expect(await contents(log)).toEqual([record('open', 1)])
  const { rmdirSync } = await import('node:fs')
  rmdirSync(join(folder, name))
  await log.flush()
  expect(log.reports[1]).toBe('events can be written again')
  expect(await contents(log)).toEqual([1, 2, 3].map((n) => record('open', n)))
})

test('when memory is full too, events are counted and told', async () => {
  const folder = makeFolder()
  const log = await openLog(folder, { segmentBytes: 1 })
  log.append(record('open', 0))
  await log.flush()
  const name = join(folder, `${String(log.end).padStart(16, '0')}.jsonl`)
  mkdirSync(name)
  for (let i = 0; i < 20; i++) log.append(record('open', 'x'.repeat(1024 * 1024)))
  await log.flush()
  const { rmdirSync } = await import('node:fs')
  rmdirSync(name)
  await log.flush()
  expect(log.reports.at(-1)).toMatch(
    /again; [34] were lost, as there was no memory for them either/,
  )
})

test('another log in the same folder is another log: its id differs', async () => {
  const folder = makeFolder()
  const { id, close } = await openLog(folder)
  await close()
  writeFileSync(join(folder, 'id'), 'damaged')
  expect((await openLog(folder)).id).not.toBe(id)
})
