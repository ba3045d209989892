// Files that policy reads and writes, from Lua, in folders of the test's own.
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allowFiles } from '../../src/lua/files.ts'
import { localFiles } from '../../src/outside/files.ts'
import { runLua } from '../support/policy.ts'

let folder: string
let root: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-files-'))
  root = join(folder, 'root')
  await mkdir(join(root, 'logs'), { recursive: true })
  await mkdir(join(folder, 'other'))
  await writeFile(join(root, 'list.txt'), 'one\ntwo\xe9', 'latin1')
  await writeFile(join(folder, 'other', 'secret.txt'), 'secret')
  await symlink(join(folder, 'other'), join(root, 'way-out'))
  await symlink(join(folder, 'other', 'secret.txt'), join(root, 'link-out'))
  await symlink(join(root, 'list.txt'), join(root, 'link-in'))
  execFileSync('mkfifo', [join(root, 'fifo')])
})

afterAll(() => rm(folder, { recursive: true }))

function run(code: string) {
  const files = localFiles(allowFiles([root], new Map([['/opt/msys/data', root]])))
  const script = code.replaceAll('ROOT', root).replaceAll('OTHER', join(folder, 'other'))
  return runLua(
    `local W = E.O_CREAT | E.O_APPEND | E.O_WRONLY local open = E.io_wrapper_open ${script}`,
    { outside: { files } },
  )
}

const content = (name: string) => readFile(join(root, name), 'latin1')

describe('msys.readfile', () => {
  test.each([
    ['say(msys.readfile("list.txt"))', 'one\ntwo\xe9'],
    ['say(msys.readfile("ROOT/list.txt"))', 'one\ntwo\xe9'],
    ['say(msys.readfile("file://ROOT/list.txt"))', 'one\ntwo\xe9'],
    ['say(msys.readfile("/opt/msys/data/list.txt"))', 'one\ntwo\xe9'],
    ['say(msys.readfile("link-in"))', 'one\ntwo\xe9'],
    ['say(msys.readfile("none.txt"))', 'nil No such file or directory'],
    ['say(msys.readfile("logs"))', 'nil Is a directory'],
    ['say(msys.readfile(""))', 'nil No such file or directory'],
    ['say(msys.readfile("list.txt\\0"))', 'nil Invalid argument'],
    ['say(msys.readfile("fifo"))', 'nil Permission denied (not a regular file)'],
  ])('%s', async (code, expected) => {
    expect((await run(code)).said).toBe(expected)
  })

  test.each([
    '../other/secret.txt',
    'logs/../../other/secret.txt',
    'way-out/secret.txt',
    'link-out',
    'OTHER/secret.txt',
    'file://OTHER/secret.txt',
    'ROOT/../other/secret.txt',
    '/etc/passwd',
    '/proc/self/environ',
    '/dev/null',
  ])('%s is not below the folders that scripts may read', async (path) => {
    const { said } = await run(`say(msys.readfile("${path}"))`)
    expect(said).toBe('nil Permission denied (not below the folders that scripts may read)')
  })

  test.each([
    ['msys.readfile()', 'msys.readfile: bad argument #1 (string expected, got nil): path'],
    ['msys.readfile({})', 'msys.readfile: bad argument #1 (string expected, got table): path'],
    ['open({})', 'msys.core.io_wrapper_open: bad argument #1 (string expected, got table): path'],
    [
      'open("a", "x")',
      'msys.core.io_wrapper_open: bad argument #2 (number expected, got string): options',
    ],
  ])('%s raises', async (code, text) => {
    expect((await run(code)).said).toContain(text)
  })

  test('where there are no files the error names the path', async () => {
    const { said } = await runLua('msys.readfile("list.txt")')
    expect(said).toContain('msys.readfile: no files here: list.txt')
  })
})

describe('msys.core.io_wrapper_open', () => {
  test('appends, in order, and says how many octets', async () => {
    const { said } = await run(`
      local f = open("logs/a.csv", W, 0644)
      say(f:write("one\\n", 4), f:write("two\\nthree", 4))
      f:close()
      local again = open("logs/a.csv", W, 0644) again:write("\\233") again = nil`)
    expect(said).toBe('4 4')
    expect(await content('logs/a.csv')).toBe('one\ntwo\n\xe9')
  })

  test('without O_APPEND it writes from the beginning, without O_CREAT only what is there', async () => {
    await writeFile(join(root, 'logs', 'b'), 'abcdef')
    const { said } = await run(`
      local f = open("logs/b", E.O_WRONLY) f:write("12") f:write("3") f:close()
      say(open("logs/none", E.O_WRONLY))`)
    expect(said).toBe('nil No such file or directory')
    expect(await content('logs/b')).toBe('123def')
  })

  test('what is written to jlog:// is a line each', async () => {
    await run(`
      local f = open("jlog://ROOT/logs/journal=>master", W, 0644)
      f:write("one") f:write("two\\n") f:close()`)
    expect(await content('logs/journal')).toBe('one\ntwo\n')
  })

  test('reads by octets, lines and to the end', async () => {
    const { said } = await run(`
      local f = open("list.txt", E.O_RDONLY)
      say(f:read(2), f:read("*l"), f:read("*a"), f:read(), #f)
      say(pcall(f.read, f, "*n"))`)
    expect(said).toMatch(
      /^on e two\xe9 nil 8 false .*"\*a" or "\*l" expected, got string\): length/,
    )
  })

  test('reads and writes', async () => {
    await writeFile(join(root, 'logs', 'rw'), 'old\n')
    const { said } = await run(`
      local f = open("logs/rw", E.O_RDWR | E.O_APPEND) say(f:read()) f:write("new\\n") f:close()
      say(pcall(f.write, f, "late"))`)
    expect(said).toMatch(/^old\n false .*io_object is gone \(it was closed\)/)
    expect(await content('logs/rw')).toBe('old\nnew\n')
  })

  test('goes on in a new file when the old one was put aside', async () => {
    const files = localFiles(allowFiles([root]))
    const file = await files.openToWrite('logs/rotated', {
      create: true,
      append: true,
      mode: 0o600,
    })
    if (file.kind !== 'opened') throw new Error(file.text)
    await file.write('one\n')
    await rename(join(root, 'logs/rotated'), join(root, 'logs/rotated.1'))
    await file.close()
    await file.write('two\n')
    await file.close()
    expect(await content('logs/rotated.1')).toBe('one\n')
    expect(await content('logs/rotated')).toBe('two\n')
  })

  test('more files than descriptors, each written in turn', async () => {
    await run(`
      local files = {}
      for i = 1, 100 do files[i] = open("logs/many" .. i, W, 0644) end
      for round = 1, 2 do for i = 1, 100 do files[i]:write(i .. "/" .. round .. " ") end end
      for i = 1, 100 do files[i]:close() end`)
    expect(await content('logs/many1')).toBe('1/1 1/2 ')
    expect(await content('logs/many100')).toBe('100/1 100/2 ')
  })

  test.each([
    '../other/new',
    'way-out/new',
    'link-out',
    'OTHER/new',
    '/tmp/new',
    '/dev/full',
    'fifo',
  ])('does not write %s', async (path) => {
    const { said } = await run(`say(open("${path}", W, 0644))`)
    expect(said).toMatch(/^nil (Permission denied|No such device)/)
    expect(await readFile(join(folder, 'other', 'secret.txt'), 'utf8')).toBe('secret')
  })
})
