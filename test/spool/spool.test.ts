import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type FileSystem, type SpoolFile, systemFiles } from '../../src/spool/files.ts'
import type { Stored } from '../../src/spool/stored.ts'
import {
  entryFor,
  faultyFiles,
  idsOf,
  makeDirectory,
  open,
  plain,
  segmentFiles,
} from './fixtures.ts'

const DATA = Buffer.from('Subject: x\r\n\r\nbody\r\n')

describe('the spool', () => {
  test('gives the data of an entry back, as octets', async () => {
    const spool = await open(makeDirectory())
    const data = Buffer.from([0, 13, 10, 255, 128, 0])
    const stored = await spool.append(entryFor('m1'), data)
    expect(await spool.read(stored)).toEqual(data)
    expect(stored.copies).toEqual([{ done: false, attempts: 0, nextAttemptMs: 0, note: '' }])
  })

  test('stores a message of no octets', async () => {
    const spool = await open(makeDirectory())
    const stored = await spool.append(entryFor('m1'), Buffer.alloc(0))
    expect(await spool.read(stored)).toEqual(Buffer.alloc(0))
  })

  test('reads from disk what came too long ago to be in memory still', async () => {
    const read: number[] = []
    const files: FileSystem = {
      ...systemFiles,
      async open(path, how) {
        const file = await systemFiles.open(path, how)
        const counted: SpoolFile['read'] = (...args) => {
          read.push(1)
          return file.read(...args)
        }
        return { ...file, read: counted }
      },
    }
    const spool = await open(makeDirectory(), { files, freshBytes: 2 * DATA.length })
    const [first, second, third] = await Promise.all(
      ['m1', 'm2', 'm3'].map((id) => spool.append(entryFor(id), DATA)),
    )
    const before = read.length
    for (const each of [second!, third!]) expect(await spool.read(each)).toBe(DATA)
    expect(read).toHaveLength(before)
    expect(await spool.read(first!)).toEqual(DATA)
    expect(read.length).toBeGreaterThan(before)
  })

  test('has after a restart what was not finished, oldest first', async () => {
    const directory = makeDirectory()
    const first = await open(directory)
    await Promise.all(['m1', 'm2', 'm3'].map((id) => first.append(entryFor(id), DATA)))
    await first.close()
    const second = await open(directory)
    expect(await idsOf(second)).toEqual(['m1', 'm2', 'm3'])
    expect(plain(await second.entry(second.recovered[0]!))).toEqual(entryFor('m1'))
    expect(await second.read(second.recovered[2]!)).toEqual(DATA)
    expect(second.reports).toEqual([])
  })

  test('goes through what is not finished, however much comes and goes meanwhile', async () => {
    const spool = await open(makeDirectory())
    const stored = await Promise.all(
      ['m1', 'm2', 'm3'].map((id) => spool.append(entryFor(id), DATA)),
    )
    const walk = spool.unfinished()[Symbol.iterator]()
    expect(walk.next().value).toBe(stored[0])
    // More than what a Map is kept for.
    const others = Array.from({ length: 1500 }, (_, i) => spool.append(entryFor(`n${i}`), DATA))
    for (const each of await Promise.all(others)) spool.finish(each, [0])
    spool.finish(stored[1]!, [0])
    expect(walk.next().value).toBe(stored[2])
    expect(walk.next().done).toBe(true)
  })

  test('says of a message that was finished, and not that it is damaged, when it is to be read', async () => {
    const spool = await open(makeDirectory(), { segmentBytes: 2000 })
    const stored = await spool.append(entryFor('m1'), Buffer.alloc(1000, 'x'))
    for (const id of ['m2', 'm3']) await spool.append(entryFor(id), Buffer.alloc(1000, 'x'))
    spool.finish(stored, [0])
    await spool.flush()
    await expect(spool.entry(stored)).rejects.toMatchObject({ kind: 'finished' })
    await expect(spool.read(stored)).rejects.toMatchObject({ kind: 'finished' })
  })

  test('keeps the events of an outcome with it, and their segment until they are durable', async () => {
    const directory = makeDirectory()
    const first = await open(directory)
    const stored = await first.append(entryFor('m1', 'a@x', 'b@x'), DATA)
    first.finish(stored, [0], ['{"event":"a"}'])
    await first.replace(stored, [1], { entry: entryFor('dsn'), data: DATA }, ['{"event":"b"}'])
    await first.close()
    const second = await open(directory)
    expect(second.told).toMatchObject([
      { facts: { ip: '192.0.2.1' }, copies: [{}, {}] },
      '{"event":"a"}',
      { copies: [{}] },
      '{"event":"b"}',
    ])
    expect(await idsOf(second)).toEqual(['dsn'])
    second.finish(second.recovered[0]!, [0])
    await second.close()

    let isDurable = false
    const third = await open(directory, { mayRemove: () => Promise.resolve(isDurable) })
    expect(segmentFiles(directory)).toHaveLength(2)
    isDurable = true
    await third.flush()
    expect(segmentFiles(directory)).toHaveLength(1)
  })

  test('has after a restart the state of each copy', async () => {
    const directory = makeDirectory()
    const first = await open(directory)
    const stored = await first.append(entryFor('m1', 'a@x', 'b@x', 'c@x'), DATA)
    first.finish(stored, [1])
    first.defer(stored, 2, { attempts: 1, nextAttemptMs: 500, note: '450 busy' })
    first.defer(stored, 2, { attempts: 2, nextAttemptMs: 900, note: '451 later' })
    const expected = [
      { done: false, attempts: 0, nextAttemptMs: 0, note: '' },
      { done: true, attempts: 0, nextAttemptMs: 0, note: '' },
      { done: false, attempts: 2, nextAttemptMs: 900, note: '451 later' },
    ]
    expect(stored.copies).toEqual(expected)
    await first.close()
    expect((await open(directory)).recovered[0]?.copies).toEqual(expected)
  })

  test('keeps the message of an entry as it came, in one piece', async () => {
    const directory = makeDirectory()
    const spool = await open(directory)
    await spool.append(entryFor('m1'), DATA)
    const bytes = readFileSync(join(directory, segmentFiles(directory)[0]!))
    expect(bytes.includes(DATA)).toBe(true)
  })

  test('writes a message once, however many recipients it has', async () => {
    const directory = makeDirectory()
    const spool = await open(directory)
    const to = Array.from({ length: 100 }, (_, i) => `r${i}@example.com`)
    const { location } = await spool.append(entryFor('m1', ...to), Buffer.alloc(50_000, 'x'))
    expect(location.dataStart - location.start).toBeLessThan(100 * 1024)
    expect(location.dataBytes).toBe(50_000)
  })

  test('commits with one sync what is appended together', async () => {
    const files = faultyFiles()
    const spool = await open(makeDirectory(), { files })
    const before = files.calls.length
    await Promise.all(Array.from({ length: 50 }, (_, i) => spool.append(entryFor(`m${i}`), DATA)))
    expect(files.calls.slice(before)).toEqual(['writev', 'datasync'])
  })

  test('writes progress without a sync of its own', async () => {
    const files = faultyFiles()
    const spool = await open(makeDirectory(), { files })
    const stored = await spool.append(entryFor('m1', 'a@x', 'b@x'), DATA)
    const before = files.calls.length
    spool.finish(stored, [0])
    await expect.poll(() => files.calls.slice(before)).toEqual(['writev'])
    spool.defer(stored, 1, { attempts: 1, nextAttemptMs: 1, note: '' })
    await spool.append(entryFor('m2'), DATA)
    expect(files.calls.slice(before)).toEqual(['writev', 'writev', 'datasync'])
  })

  test('holds 10,000 entries', async () => {
    const directory = makeDirectory()
    const first = await open(directory, { segmentBytes: 1_000_000 })
    const names = Array.from({ length: 10_000 }, (_, i) => `m${i}`)
    const stored = await Promise.all(names.map((id) => first.append(entryFor(id), DATA)))
    for (const each of stored.filter((_, i) => i % 2)) first.finish(each, [0])
    await first.close()
    const second = await open(directory)
    expect(await idsOf(second)).toEqual(names.filter((_, i) => i % 2 === 0))
    expect(segmentFiles(directory).length).toBeGreaterThan(4)
  })

  test('refuses what comes after it was closed', async () => {
    const spool = await open(makeDirectory())
    await spool.close()
    await expect(spool.append(entryFor('m1'), DATA)).rejects.toMatchObject({ kind: 'closed' })
  })
})

describe('a product', () => {
  test('is stored with the end of what it came from', async () => {
    const directory = makeDirectory()
    const first = await open(directory)
    const original = await first.append(entryFor('m1', 'a@x', 'b@x'), DATA)
    const product = { entry: entryFor('dsn', 'sender@x'), data: Buffer.from('bounced') }
    const dsn = await first.replace(original, [0, 1], product)
    expect(original.copies.every(({ done }) => done)).toBe(true)
    expect(await first.read(dsn)).toEqual(product.data)
    await first.close()
    expect(await idsOf(await open(directory))).toEqual(['dsn'])
  })

  test('and that end are both missing when their record was cut short', async () => {
    const directory = makeDirectory()
    const first = await open(directory)
    const original = await first.append(entryFor('m1'), DATA)
    const product = { entry: entryFor('dsn'), data: Buffer.from('bounced') }
    const { location } = await first.replace(original, [0], product)
    await first.close()
    const path = join(directory, location.file)
    const bytes = readFileSync(path)
    const end = location.dataStart + location.dataBytes
    for (const length of [location.start + 1, location.dataStart, end - 1]) {
      writeFileSync(path, bytes.subarray(0, length))
      const second = await open(directory)
      expect(await idsOf(second)).toEqual(['m1'])
      expect(second.recovered[0]?.copies[0]?.done).toBe(false)
      await second.close()
    }
  })

  test('that cannot be stored leaves its original unfinished', async () => {
    const files = faultyFiles()
    const spool = await open(makeDirectory(), { files })
    const original = await spool.append(entryFor('m1'), DATA)
    files.fail('writev', 'ENOSPC')
    const replaced = spool.replace(original, [0], { entry: entryFor('dsn'), data: DATA })
    await expect(replaced).rejects.toMatchObject({ kind: 'no room' })
    expect(original.copies[0]?.done).toBe(false)
  })
})

describe('segments', () => {
  const BIG = Buffer.alloc(600, 'x')
  const MORE_THAN_HALF = Buffer.alloc(800, 'x')
  const small = { segmentBytes: 2000 }

  test('go when their entries are finished, and the current one stays', async () => {
    const directory = makeDirectory()
    const spool = await open(directory, small)
    const stored: Stored[] = []
    for (let i = 0; i < 6; i++) stored.push(await spool.append(entryFor(`m${i}`), BIG))
    const files = segmentFiles(directory)
    expect(files).toHaveLength(3)
    for (const each of stored) spool.finish(each, [0])
    await spool.flush()
    const left = segmentFiles(directory)
    expect(left).toHaveLength(1)
    expect(files.slice(0, -1)).not.toContain(left[0])
  })

  test('stay while one entry in them is unfinished', async () => {
    const directory = makeDirectory()
    const spool = await open(directory, { segmentBytes: 4000 })
    const stored: Stored[] = []
    for (let i = 0; i < 8; i++) stored.push(await spool.append(entryFor(`m${i}`), BIG))
    for (const each of stored.slice(1)) spool.finish(each, [0])
    await spool.flush()
    expect(segmentFiles(directory)[0]).toBe(stored[0]?.location.file)
    expect(await spool.read(stored[0]!)).toEqual(BIG)
  })

  test('that go leave what they said about others behind', async () => {
    const directory = makeDirectory()
    const spool = await open(directory, small)
    const stuck = await spool.append(entryFor('stuck', 'a@x', 'b@x', 'c@x'), BIG)
    const sibling = await spool.append(entryFor('sibling'), Buffer.from('small'))
    expect(sibling.location.segment).toBe(stuck.location.segment)
    const next = await spool.append(entryFor('next'), Buffer.alloc(1200, 'x'))
    expect(next.location.segment).toBeGreaterThan(stuck.location.segment)
    spool.finish(sibling, [0])
    spool.finish(stuck, [0])
    spool.defer(stuck, 1, { attempts: 3, nextAttemptMs: 77, note: '450' })
    await spool.flush()
    spool.finish(next, [0])
    await spool.append(entryFor('last'), Buffer.alloc(1200, 'x'))
    await spool.flush()
    expect(segmentFiles(directory)).not.toContain(next.location.file)
    await spool.close()

    const again = await open(directory)
    const { recovered } = again
    expect(await idsOf(again)).toEqual(['stuck', 'last'])
    expect(recovered[0]?.copies).toMatchObject([
      { done: true },
      { done: false, attempts: 3, nextAttemptMs: 77, note: '450' },
      { done: false, attempts: 0 },
    ])
  })

  test('are removed only after what they said of others is synced elsewhere', async () => {
    const files = faultyFiles()
    const directory = makeDirectory()
    const spool = await open(directory, { ...small, files })
    const stuck = await spool.append(entryFor('stuck', 'a@x', 'b@x'), BIG)
    const next = await spool.append(entryFor('next'), Buffer.alloc(1500, 'x'))
    spool.finish(stuck, [0])
    spool.finish(next, [0])
    await spool.flush()
    const before = files.calls.length
    await spool.append(entryFor('last'), Buffer.alloc(1500, 'x'))
    // Its file is kept for another one.
    await expect.poll(() => files.calls.slice(before)).toContain('rename')
    const calls = files.calls.slice(before)
    const removal = calls.indexOf('rename')
    expect(calls.slice(0, removal).findLast((call) => /writev|datasync/.test(call))).toBe(
      'datasync',
    )
  })

  test('that cannot be removed are reported and left', async () => {
    const files = faultyFiles()
    const directory = makeDirectory()
    const spool = await open(directory, { ...small, files })
    const first = await spool.append(entryFor('m1'), BIG)
    await spool.append(entryFor('m2'), Buffer.alloc(1500, 'x'))
    files.fail('remove', 'EIO')
    spool.finish(first, [0])
    await spool.flush()
    expect(spool.reports).toHaveLength(1)
    expect(spool.reports[0]).toContain(`cannot remove ${join(directory, first.location.file)}`)
    await spool.close()
    expect(await idsOf(await open(directory))).toEqual(['m2'])
  })

  test('are synced before the next one is begun, with all that rode along', async () => {
    const files = faultyFiles()
    const spool = await open(makeDirectory(), { ...small, files })
    const stored = await spool.append(entryFor('m1', 'a@x', 'b@x'), MORE_THAN_HALF)
    // The next one has been made, with its name in the directory.
    await expect.poll(() => files.calls.slice(-2)).toEqual(['open', 'sync'])
    const before = files.calls.length
    spool.finish(stored, [0])
    await expect.poll(() => files.calls.slice(before)).toEqual(['writev'])
    await spool.append(entryFor('m2'), Buffer.alloc(1500, 'x'))
    expect(files.calls.slice(before + 1, before + 3)).toEqual(['datasync', 'writev'])
  })

  test('are made ahead; one that cannot be is made when it is needed', async () => {
    const files = faultyFiles()
    const directory = makeDirectory()
    const spool = await open(directory, { ...small, files })
    files.fail('sync', 'EIO')
    await spool.append(entryFor('m1'), MORE_THAN_HALF)
    await expect.poll(() => files.calls.at(-1)).toBe('remove')
    files.fail('sync', undefined)
    await spool.append(entryFor('m2'), MORE_THAN_HALF)
    await spool.close()
    expect(await idsOf(await open(directory))).toEqual(['m1', 'm2'])
  })

  test('made ahead and not used are gone when it is closed', async () => {
    const directory = makeDirectory()
    const spool = await open(directory, small)
    await spool.append(entryFor('m1'), MORE_THAN_HALF)
    await expect.poll(() => segmentFiles(directory)).toHaveLength(2)
    await spool.close()
    expect(segmentFiles(directory)).toHaveLength(1)
  })

  test('never have a number twice', async () => {
    const directory = makeDirectory()
    for (let number = 1; number <= 4; number++) {
      const spool = await open(directory)
      expect(segmentFiles(directory).map((name) => Number(name.slice(0, 10)))).toEqual([number])
      await spool.close()
    }
  })

  test('are as large as a record that is larger than they are', async () => {
    const directory = makeDirectory()
    const spool = await open(directory, small)
    const large = Buffer.alloc(50_000, 'y')
    const before = await spool.append(entryFor('m1'), BIG)
    const stored = await spool.append(entryFor('m2'), large)
    const after = await spool.append(entryFor('m3'), BIG)
    expect(new Set([before, stored, after].map(({ location }) => location.segment)).size).toBe(3)
    expect(await spool.read(stored)).toEqual(large)
    await spool.close()
    const again = await open(directory)
    expect(await idsOf(again)).toEqual(['m1', 'm2', 'm3'])
    expect(await again.read(again.recovered[1]!)).toEqual(large)
  })

  test('are preallocated, and cut to what they hold when they are closed', async () => {
    const directory = makeDirectory()
    const spool = await open(directory)
    const { location } = await spool.append(entryFor('m1'), DATA)
    const path = join(directory, location.file)
    expect(statSync(path).size).toBe(64 * 1024 * 1024)
    await spool.close()
    expect(statSync(path).size).toBe(location.dataStart + DATA.length)
  })
})

describe('a spool that is in use', () => {
  test('is refused to a second opener, with the process that has it', async () => {
    const directory = makeDirectory()
    await open(directory)
    await expect(open(directory)).rejects.toMatchObject({
      kind: 'locked',
      message: `the spool ${directory} is in use by this process`,
    })
  })

  test('by another living process is refused with its number', async () => {
    const directory = makeDirectory()
    const started = startOf(process.ppid)
    writeFileSync(join(directory, 'lock'), JSON.stringify({ pid: process.ppid, started }))
    await expect(open(directory)).rejects.toThrow(`is in use by process ${process.ppid}`)
    expect(segmentFiles(directory)).toEqual([])
  })

  test.each([
    ['a dead process', () => ({ pid: deadProcess(), started: startOf(process.pid) })],
    ['a process that has ended, of which its parent knows nothing', endedProcess],
    [
      'an earlier process with the number of a living one',
      () => ({ pid: process.ppid, started: '' }),
    ],
    ['nobody who can be told', () => 'torn'],
  ])('by %s is taken over', async (_, owner) => {
    const directory = makeDirectory()
    writeFileSync(join(directory, 'lock'), JSON.stringify(await owner()))
    const spool = await open(directory)
    await spool.append(entryFor('m1'), DATA)
    expect(JSON.parse(readFileSync(join(directory, 'lock'), 'utf8'))).toMatchObject({
      pid: process.pid,
    })
  })

  test('is free again when it was closed', async () => {
    const directory = makeDirectory()
    await (await open(directory)).close()
    await (await open(directory)).close()
  })
})

function startOf(pid: number): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
}

/** A child of one that never waits for it. */
async function endedProcess() {
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'])
  onTestFinished(() => void parent.kill())
  const pid = Number(await parent.stdout.setEncoding('utf8').take(1).toArray())
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'latin1')).toContain(') Z ')
  return { pid, started: startOf(pid) }
}

function deadProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid
}
