import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openEventFile, type Rotation } from '../../src/events/eventfile.ts'
import { makeFolder, openLog, record, startTestCourier, testClock } from './store.ts'

async function start(
  folder = makeFolder(),
  rotation?: Rotation,
  sharing: { readonly isShared?: boolean; readonly isFollower?: boolean } = {},
) {
  const path = join(folder, 'out/events.jsonl')
  let courier: Awaited<ReturnType<typeof startTestCourier>> | undefined
  const log = await openLog(join(folder, 'log'), { onDurable: () => courier?.wake() })
  const wants = (type: string): boolean => type !== 'delay'
  const options = { name: 'event_hydrant', path, wants, ...sharing, ...(rotation && { rotation }) }
  const sink = await openEventFile(options)
  courier = await startTestCourier(join(folder, 'log'), log, sink, testClock())
  const append = async (...lines: string[]): Promise<void> => {
    for (const line of lines) log.append(line)
    await log.flush()
    await courier.flush()
  }
  const stop = async (): Promise<void> => {
    await courier.stop(1_000)
    await log.close()
  }
  const text = (): string => readFileSync(path, 'utf8')
  return { folder, path, log, sink, courier, append, text, stop }
}

const lines = (...texts: string[]) => texts.map((text) => `${text}\n`).join('')
const [one, two, three] = ['1', '2', '3'].map((n) => record('open', n)) as [string, string, string]

test('it has the records that it wants, one a line, after what was there', async () => {
  const { append, text } = await start()
  await append(one, record('delay', 'x'), two)
  expect(text()).toBe(lines(one, two))
})

test('a cursor that is behind the file, as a crash leaves it, doubles no record', async () => {
  const first = await start()
  await first.append(one, two)
  const cursor = join(first.folder, 'log/event_hydrant.cursor')
  await first.stop()
  writeFileSync(cursor, '{"place":0}\n')
  const second = await start(first.folder)
  await second.append(three)
  expect(second.text()).toBe(lines(one, two, three))
})

test.each([1, 30, 200])(
  'a record that a crash cut short after %i octets is completed',
  async (cut) => {
    const long = record('open', 'x'.repeat(300))
    const first = await start()
    await first.append(one, long)
    await first.stop()
    writeFileSync(join(first.folder, 'log/event_hydrant.cursor'), '{"place":0}\n')
    writeFileSync(first.path, lines(one) + long.slice(0, cut))
    const second = await start(first.folder)
    await second.append(three)
    expect(second.text()).toBe(lines(one, long, three))
  },
)

test('a line of somebody else without an end gets one', async () => {
  const folder = makeFolder()
  mkdirSync(join(folder, 'out'))
  writeFileSync(join(folder, 'out/events.jsonl'), '# by hand')
  const { append, text } = await start(folder)
  await append(one)
  expect(text()).toBe(`# by hand\n${lines(one)}`)
})

test('after a rotation records go to a new file of the same name, and each file is whole', async () => {
  const { path, sink, append, text } = await start()
  await append(one)
  renameSync(path, `${path}.1`)
  await append(two)
  await sink.reopen?.()
  await append(three)
  expect(readFileSync(`${path}.1`, 'utf8')).toBe(lines(one, two))
  expect(text()).toBe(lines(three))
})

test('a file that is large enough is put aside under its time, and no record is split or lost', async () => {
  const now = () => Date.UTC(2026, 10, 25, 19, 0, 1)
  const rotation = { maxBytes: 2 * one.length, maxAgeSeconds: 0, now }
  const { folder, append, stop } = await start(makeFolder(), rotation)
  for (const record of [one, two, three]) await append(record)
  for (const record of [one, two, three]) await append(record)
  await stop()
  const names = readdirSync(join(folder, 'out'))
  expect(names).toEqual([
    'events.jsonl',
    'events.jsonl.20261125T190001Z',
    'events.jsonl.20261125T190001Z.1',
    'events.jsonl.20261125T190001Z.2',
  ])
  const texts = names.map((name) => readFileSync(join(folder, 'out', name), 'utf8'))
  expect(texts).toEqual(['', lines(one, two), lines(three, one), lines(two, three)])
})

test('one that is old enough, too', async () => {
  const rotation = { maxBytes: 0, maxAgeSeconds: 3600, now: () => Date.now() + 3_601_000 }
  const { folder, append } = await start(makeFolder(), rotation)
  await append(one)
  expect(readdirSync(join(folder, 'out'))).toHaveLength(2)
})

test('a file that cannot be opened again goes on as it is', async () => {
  const { path, sink, append } = await start()
  renameSync(path, `${path}.1`)
  mkdirSync(path)
  await expect(sink.reopen?.()).rejects.toThrow('EISDIR')
  await append(one)
  expect(readFileSync(`${path}.1`, 'utf8')).toBe(lines(one))
})

test('no run leaves half a record, wherever the one before it was killed', async () => {
  const all = Array.from({ length: 12 }, (_, i) => record('open', `${i}${'y'.repeat(i * 7)}`))
  const { folder, append, stop, path } = await start()
  await append(...all)
  await stop()
  const whole = lines(...all)
  for (let cut = 0; cut <= whole.length; cut += 13) {
    writeFileSync(path, whole.slice(0, cut))
    writeFileSync(join(folder, 'log/event_hydrant.cursor'), '{"place":0}\n')
    const next = await start(folder)
    await next.log.flush()
    await next.courier.flush()
    await next.stop()
    expect(readFileSync(path, 'utf8')).toBe(whole)
  }
  appendFileSync(path, '')
  expect(readdirSync(join(folder, 'out'))).toEqual(['events.jsonl'])
})

describe('a file that several processes append to', () => {
  const share = (isFollower: boolean) => ({ isShared: true, isFollower })

  test('a start finds its own records among those of others', async () => {
    const first = await start(makeFolder(), undefined, share(false))
    await first.append(one, two)
    await first.stop()
    writeFileSync(join(first.folder, 'log/event_hydrant.cursor'), '{"place":0}\n')
    const others = Array.from({ length: 5_000 }, (_, i) =>
      record('click', `${i} ${'z'.repeat(300)}`),
    )
    appendFileSync(first.path, lines(...others))
    const second = await start(first.folder, undefined, share(false))
    await second.append(three)
    expect(second.text()).toBe(lines(one, two, ...others, three))
  })

  test('half a line that another left gets an end, and costs no record', async () => {
    const { append, text, path } = await start(makeFolder(), undefined, share(false))
    await append(one)
    appendFileSync(path, '{"msys":{"track')
    await append(two)
    expect(text()).toBe(`${lines(one)}{"msys":{"track\n${lines(two)}`)
  })

  test('who does not put it aside goes on where the new one is', async () => {
    const now = () => Date.UTC(2026, 10, 25, 19, 0, 1)
    const rotation = { maxBytes: 1, maxAgeSeconds: 0, now }
    const { append, text, path, folder } = await start(makeFolder(), rotation, share(true))
    await append(one)
    expect(readdirSync(join(folder, 'out'))).toEqual(['events.jsonl'])
    renameSync(path, `${path}.aside`)
    writeFileSync(path, '')
    await append(two)
    expect(text()).toBe(lines(two))
    expect(readFileSync(`${path}.aside`, 'utf8')).toBe(lines(one))
  })
})
