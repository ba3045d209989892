// Expected values are what Lua 5.1 gives for the same file, but for what scripts may not do.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StateOptions } from '../../src/lua/state.ts'
import { BUDGET, testHost, type TestHost } from './host.ts'

let folder: string
let root: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lua-io-'))
  root = join(folder, 'root')
  mkdirSync(join(root, 'deep'), { recursive: true })
  writeFileSync(join(root, 'd.txt'), 'line one\nline two\r\n\n12 0x1f -3.5e2 +7 abc\nlast')
  writeFileSync(join(root, 'bytes'), Buffer.from([0, 255, 10, 0x80]))
  writeFileSync(join(root, 'empty'), '')
  writeFileSync(join(root, 'long'), `${'x'.repeat(200_000)}\n${'y'.repeat(100_000)}`)
  writeFileSync(join(folder, 'secret'), 'secret')
  symlinkSync(join(folder, 'secret'), join(root, 'way-out'))
  symlinkSync('../d.txt', join(root, 'deep', 'way-in'))
  symlinkSync(folder, join(root, 'folder-out'))
  symlinkSync(root, join(folder, 'other-name'))
  symlinkSync('loop', join(root, 'loop'))
  execFileSync('mkfifo', [join(root, 'fifo')])
})

afterAll(() => rmSync(folder, { recursive: true }))

const host = (options: Partial<StateOptions> = {}): TestHost =>
  testHost({ fileRoots: [root], ...options })

const read = (source: string, options: Partial<StateOptions> = {}) =>
  host(options).run(`local f = assert(io.open("d.txt")) ${source}`)

describe('reading', () => {
  test.each<[string, unknown[]]>([
    ['return f:read(), f:read("*l"), f:read("*l")', ['line one', 'line two\r', '']],
    [
      'return f:read("*l", "*l", "*l", "*n", "*n", "*n", "*n")',
      ['line one', 'line two\r', '', 12, 31, -350, 7],
    ],
    [
      'f:seek("set", 20) return f:read("*n", "*n", "*n", "*n", "*n", "*n")',
      [12, 31, -350, 7, undefined],
    ],
    ['f:seek("set", 36) return f:read("*n"), f:read("*a")', [7, ' abc\nlast']],
    [
      'return #f:read("*a"), f:read("*a"), f:read("*l"), f:read(0), f:read(5)',
      [46, '', undefined, undefined, undefined],
    ],
    ['return f:seek(), f:seek("set", 5), f:read(3, 0, 2)', [0, 5, 'one', '', '\nl']],
    ['return f:seek("end"), f:seek("cur", -4), f:read(100)', [46, 42, 'last']],
    ['return f:seek("set", -1)', [undefined, 'Invalid argument', 22]],
    ['return f:seek("set", 0/0), f:read()', [undefined, 'line one']],
    ['return f:seek("end", 10), f:read(1)', [56, undefined]],
    ['local n = 0 for line in f:lines() do n = n + #line end return n, io.type(f)', [42, 'file']],
    ['return f:write("x")', [undefined, 'Bad file descriptor', 9]],
    ['return f:flush(), f:setvbuf("no"), f:close()', [true, true, true]],
    [
      'f:close() return io.type(f), tostring(f), io.type(1)',
      ['closed file', 'file (closed)', undefined],
    ],
    ['return io.type(f), (tostring(f):gsub("%x+%)", "N)"))', ['file', 'file (0xN)']],
    ['return f == f, f ~= io.open("d.txt"), f.nothing', [true, true, undefined]],
  ])('%s', (source, expected) => {
    expect(read(source)).toEqual(expected)
  })

  test.each([
    ['f:seek("foo")', "bad argument #1 to 'seek' (invalid option 'foo')"],
    ['f:read("l")', "bad argument #1 to 'read' (invalid option)"],
    ['f:read("*x")', "bad argument #1 to 'read' (invalid format)"],
    ['f:read(1, {})', "bad argument #2 to 'read' (invalid option)"],
    ['f:close() f:read()', 'attempt to use a closed file'],
    ['f:close() f:close()', 'attempt to use a closed file'],
    ['local next = f:lines() f:close() next()', 'file is already closed'],
    ['local next = io.lines("d.txt") while next() do end next()', 'file is already closed'],
    ['f.read()', "calling 'read' on bad self (FILE* expected, got no value)"],
    ['io.close({})', "bad argument #1 to 'close' (FILE* expected)"],
    ['io.type()', "bad argument #1 to 'type' (value expected)"],
    ['io.open()', "bad argument #1 to 'open' (string expected, got no value)"],
    ['io.lines("nope")', "bad argument #1 to 'lines' (nope: No such file or directory)"],
  ])('raises for %s', (source, message) => {
    expect(read(`return select(2, pcall(function() ${source} end))`)).toEqual([
      `test.lua:1: ${message}`,
    ])
  })

  test('io.lines gives every line', () => {
    expect(
      host().run(
        'local t = {} for l in io.lines("d.txt") do t[#t + 1] = l end return #t, t[4], t[5]',
      ),
    ).toEqual([5, '12 0x1f -3.5e2 +7 abc', 'last'])
  })

  test('keeps octets as they are', () => {
    expect(host().run('return io.open("bytes", "rb"):read("*a")')).toEqual(['\0\xff\n\x80'])
  })

  test('joins lines and counts that cross the pieces it reads', () => {
    expect(
      host().run(
        'local f = io.open("long") local a, b = f:read("*l", "*l") f:seek("set", 199999) return #a, #b, b:sub(-1), f:read(3)',
      ),
    ).toEqual([200_000, 100_000, 'y', 'x\ny'])
  })

  test('finds its place again in a large file', () => {
    expect(
      host({ budget: { ...BUDGET, allocBytes: 10e6 } }).run(
        'local f, found = io.open("long"), 0 for i = 1, 1000 do f:seek("set", i * 250) if f:read(1) == (i * 250 > 200000 and "y" or "x") then found = found + 1 end end f:seek("set", 200000) return found, f:read(2), f:seek("cur", -2), f:read(1)',
      ),
    ).toEqual([999, '\ny', 200_000, '\n'])
  })

  test('an empty file has no line and no octet, but all of it', () => {
    expect(
      host().run(
        'local f = io.open("empty") return f:read("*l"), f:read(0), f:read("*a"), f:read("*n")',
      ),
    ).toEqual([undefined, undefined, '', undefined])
  })

  test('a string longer than allowed is refused before it is read', () => {
    const small = host({ budget: { ...BUDGET, maxStringBytes: 100_000 } })
    for (const format of ['"*a"', '"*l"', '150000']) {
      expect(
        small.run(`return pcall(function() return io.open("long"):read(${format}) end)`),
      ).toEqual([false, 'test.lua:1: resulting string too large'])
    }
  })

  test('octets that are read count as allocated', () => {
    const poor = host({ budget: { ...BUDGET, allocBytes: 1e6 } })
    expect(() =>
      poor.run('for i = 1, 9 do local f = io.open("long") f:read("*a") f:close() end'),
    ).toThrow('allocation limit exceeded')
  })
})

describe('which files', () => {
  test.each([
    ['an absolute path', () => join(root, 'd.txt')],
    ['dots within the root', () => 'deep/../d.txt'],
    ['a symbolic link within the root', () => 'deep/way-in'],
    ['another name of the root', () => join(folder, 'other-name', 'd.txt')],
  ])('may be read: %s', (_, path) => {
    expect(host().run('return io.open(...):read()', path())).toEqual(['line one'])
  })

  const OUTSIDE = 'Permission denied (not below the folders that scripts may read)'
  const IRREGULAR = 'Permission denied (not a regular file)'

  test.each([
    ['dots that lead out', () => '../secret', OUTSIDE],
    ['absolute dots that lead out', () => `${root}/../secret`, OUTSIDE],
    ['a file elsewhere', () => '/etc/passwd', OUTSIDE],
    ['a symbolic link that leads out', () => 'way-out', OUTSIDE],
    ['a folder link that leads out', () => 'folder-out/secret', OUTSIDE],
    ['what is not there elsewhere', () => '/etc/no-such-file', OUTSIDE],
    ['a root with the same beginning', () => `${root}2`, OUTSIDE],
    ['what is not there', () => 'nope', 'No such file or directory'],
    ['a device', () => '/dev/zero', OUTSIDE],
    ['the process', () => '/proc/self/environ', OUTSIDE],
    ['a FIFO', () => 'fifo', IRREGULAR],
    ['a folder', () => 'deep', 'Is a directory'],
    ['a loop of links', () => 'loop', 'Too many levels of symbolic links'],
    ['a NUL', () => 'd.txt\0', 'Invalid argument'],
    ['nothing', () => '', 'No such file or directory'],
    ['a file as folder', () => 'd.txt/x', 'Not a directory'],
  ])('may not be read: %s', (_, path, why) => {
    const [file, message] = host().run('return io.open(...)', path())
    expect([file, message]).toEqual([undefined, `${path()}: ${why}`])
  })

  test('devices and processes stay closed below the root of all', () => {
    for (const path of ['/dev/null', '/proc/self/environ', '/sys/kernel/notes']) {
      expect(host({ fileRoots: ['/'] }).run('return io.open(...)', path)[0]).toBeUndefined()
    }
  })

  test.each(['w', 'a', 'r+', 'w+b', 'rb+'])('mode %s is refused by name', (mode) => {
    expect(host().run('return pcall(io.open, "d.txt", ...)', mode)).toEqual([
      false,
      `io.open with mode '${mode}' is not available: scripts may only read files`,
    ])
  })

  test('an unknown mode is an invalid argument', () => {
    expect(host().run('return io.open("d.txt", "zz")')).toEqual([
      undefined,
      'd.txt: Invalid argument',
      22,
    ])
  })

  test('paths of another machine are mapped', () => {
    const mapped = host({
      fileRoots: [],
      pathMap: new Map([
        ['/opt/msys/ecelerity/etc', root],
        ['/opt/msys/ecelerity/etc/conf', join(root, 'deep')],
      ]),
    })
    expect(
      mapped.run(
        'return io.open("/opt/msys/ecelerity/etc/d.txt"):read(), io.open("/opt/msys/ecelerity/etc/conf/../deep/way-in"):read(), io.open("/opt/msys/ecelerity/etc2/d.txt")',
      ),
    ).toEqual([
      'line one',
      'line one',
      undefined,
      '/opt/msys/ecelerity/etc2/d.txt: Permission denied (not below the folders that scripts may read)',
      13,
    ])
    expect(mapped.run('return io.open("/opt/msys/ecelerity/etc/conf/way-in"):read()')).toEqual([
      'line one',
    ])
    expect(mapped.run('return (io.open("/opt/msys/ecelerity/etc/way-out"))')).toEqual([undefined])
  })
})

describe('open files', () => {
  const descriptors = () => readdirSync('/proc/self/fd').length

  test('are closed when their call returns, fails or is killed', () => {
    const { run } = host({ budget: { ...BUDGET, cpuMs: 5 } })
    const before = descriptors()
    run('kept = io.open("d.txt")')
    expect(() => run('kept2 = io.open("d.txt") error("x")')).toThrow('x')
    expect(() => run('kept3 = io.open("d.txt") while true do end')).toThrow('killed')
    expect(descriptors()).toBe(before)
    expect(run('return io.type(kept), io.type(kept2), io.type(kept3)')).toEqual(
      Array(3).fill('closed file'),
    )
  })

  test('are limited in number', () => {
    const { run } = host()
    expect(
      run('local t = {} for i = 1, 300 do t[i] = io.open("d.txt") end return #t, io.open("d.txt")'),
    ).toEqual([256, undefined, 'd.txt: Too many open files', 24])
    expect(run('return io.type(io.open("d.txt"))')).toEqual(['file'])
  })
})

describe('standard files', () => {
  test('written text goes where print goes, line by line', () => {
    const { run, printed } = host()
    expect(run('return io.write("a", 1, "\\nb"), io.stdout:write("c\\n\\nd")')).toEqual([
      true,
      true,
    ])
    expect(printed).toEqual(['a1', 'bc', '', 'd'])
    run('io.write("x") print("y") io.stderr:write(buffer.new("z")) io.flush()')
    expect(printed.slice(4)).toEqual(['xy', 'z'])
  })

  test('input is empty', () => {
    expect(
      host().run(
        'for l in io.lines() do error(l) end return io.read(), io.stdin:read("*a"), io.stdin:read(), io.input() == io.stdin',
      ),
    ).toEqual([undefined, '', undefined, true])
  })

  test('cannot be closed', () => {
    expect(host().run('return io.stdout:close()')).toEqual([
      undefined,
      'cannot close standard file',
    ])
  })

  test.each([
    ['io:write("x")', "bad argument #1 to 'write' (string expected, got table)"],
    ['io.write(nil)', "bad argument #1 to 'write' (string expected, got nil)"],
    [
      'io.output("/tmp/x")',
      'io.output with another file is not available: scripts may only read files',
    ],
    [
      'io.input("d.txt")',
      'io.input with another file is not available: scripts may only read files',
    ],
    ['io.open("x", "w")', "io.open with mode 'w' is not available: scripts may only read files"],
    ['io.popen("ls")', 'io.popen is not available: scripts may not do this'],
    ['io.tmpfile()', 'io.tmpfile is not available: scripts may not do this'],
  ])('%s raises', (source, message) => {
    expect(host().run(`return select(2, pcall(function() ${source} end))`)).toEqual([
      `test.lua:1: ${message}`,
    ])
  })
})
