import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/config/error.ts'
import { loadConfig, parseConfig, type Loaded } from '../../src/config/load.ts'

const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

/** A folder of its own with these files. */
function write(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'include-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

function load(folder: string, searchPath: readonly string[] = []): Loaded {
  const options = { lenient: false, defaultHostname: 'h', searchPath }
  return loadConfig(join(folder, 'main.conf'), options)
}

function hostname(files: Readonly<Record<string, string>>, ...search: string[]): string {
  const folder = write(files)
  return load(
    folder,
    search.map((name) => join(folder, name)),
  ).config.hostname
}

function messageOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('include', () => {
  test.each(['include "a.conf"', 'Include a.conf', "READONLY_INCLUDE 'a.conf'"])(
    'reads the file of %s in its place',
    (statement) => {
      const files = {
        'main.conf': `hostname = b ${statement} spoolbase = /s`,
        'a.conf': 'hostname = a',
      }
      expect(hostname(files)).toBe('a')
    },
  )

  test('is valid within a scope and reads into it', () => {
    const folder = write({
      'main.conf': 'domain x { include "x.conf" }\ndomain x { max_outbound_connections = 9 }',
      'x.conf': 'gateway = g',
    })
    expect(load(folder).config.outbound('x')).toMatchObject({
      gateway: { host: 'g', port: 25 },
      maxOutboundConnections: 9,
    })
  })

  test('looks beside the including file first, then along the search path', () => {
    const files = {
      'main.conf': 'include "sub/b.conf"',
      'sub/b.conf': 'include "c.conf"',
      'c.conf': 'hostname = beside-main',
      's1/other.conf': '',
      's2/c.conf': 'hostname = search',
    }
    expect(hostname(files, 's1', 's2')).toBe('search')
    expect(hostname({ ...files, 'sub/c.conf': 'hostname = beside' }, 's1', 's2')).toBe('beside')
  })

  test('reads the files of a folder that are not hidden, in byte order, without subfolders', () => {
    const names = ['b.conf', 'B.conf', 'a.conf', '.hidden', 'sub/z.conf']
    const files = Object.fromEntries(
      names.map((name) => [`d/${name}`, `scriptlet { script "${name}" { source = x } }`]),
    )
    const folder = write({ 'main.conf': 'include "d"', ...files })
    const { scripts } = load(folder).config.scriptlet
    expect(scripts.map(({ name }) => name)).toEqual(['B.conf', 'a.conf', 'b.conf'])
    expect(scripts[0]!.place.file).toBe(join(folder, 'd/B.conf'))
  })

  test('takes the relative paths of an included file from the folder of the main one', () => {
    const folder = write({ 'main.conf': 'include "sub/a.conf"', 'sub/a.conf': 'spoolbase = spool' })
    expect(load(folder).config.spoolbase).toBe(join(folder, 'spool'))
  })

  test('works from text without a file', () => {
    const folder = write({ 'a.conf': 'hostname = a' })
    const options = { lenient: false, defaultHostname: 'h', folder }
    expect(parseConfig('include "a.conf"', '<built in>', options).config.hostname).toBe('a')
  })

  test('accepts file:// and an empty folder', () => {
    const folder = write({ 'main.conf': '', 'a.conf': 'hostname = a', 'd/.x': '' })
    writeFileSync(join(folder, 'main.conf'), `include "file://${folder}/a.conf" include d`)
    expect(load(folder).config.hostname).toBe('a')
  })
})

describe('refusals', () => {
  test('name the file and line of the included file', () => {
    const folder = write({ 'main.conf': 'include "a.conf"', 'a.conf': '\n\nno_such = 1' })
    expect(messageOf(() => load(folder))).toMatch(`${folder}/a.conf:3: option "no_such": unknown`)
  })

  test('of what is not there', () => {
    const folder = write({ 'main.conf': '\ninclude "a.conf"' })
    expect(messageOf(() => load(folder, ['/search']))).toBe(
      `${folder}/main.conf:2: nothing to include: expected a file or folder in ${folder}, /search, found "a.conf"`,
    )
  })

  test('what was read once can be loaded again, whatever is there now', () => {
    const folder = write({
      'main.conf': 'include "a.conf"\ninclude "more"',
      'a.conf': 'hostname = "a.example"',
      'more/b.conf': 'retry_interval = 7',
    })
    const before = load(folder)
    rmSync(folder, { recursive: true })
    mkdirSync(join(folder, 'more'), { recursive: true })
    writeFileSync(join(folder, 'more/c.conf'), 'no such = thing {')
    const options = { lenient: false, defaultHostname: 'h', kept: before.files }
    const again = loadConfig(join(folder, 'main.conf'), options)
    expect(again.config.hostname).toBe('a.example')
    expect(again.config.outbound('x.example').retryIntervalSeconds).toBe(7)
    expect([...again.files]).toEqual([...before.files])
  })

  test('of a main file that is not there, or no file', () => {
    const folder = write({})
    expect(messageOf(() => load(folder))).toMatch(
      `${folder}/main.conf:1: ENOENT: no such file or directory`,
    )
    expect(messageOf(() => loadConfig(folder, { lenient: false, defaultHostname: 'h' }))).toMatch(
      `${folder}:1: EISDIR`,
    )
  })

  test('of files that include themselves, directly or through others', () => {
    const folder = write({
      'main.conf': 'include "a.conf"',
      'a.conf': 'include "b.conf"',
      'b.conf': '\ninclude "./a.conf"',
    })
    expect(messageOf(() => load(folder))).toBe(
      `${folder}/b.conf:2: ${folder}/a.conf includes itself: expected a file that is not being read already`,
    )
    writeFileSync(join(folder, 'main.conf'), 'include "main.conf"')
    expect(messageOf(() => load(folder))).toMatch(/main\.conf:1: .*main\.conf includes itself/)
  })

  test('of a cycle through symbolic links', () => {
    const folder = write({ 'main.conf': 'include "d/a.conf"', 'd/a.conf': 'include "d/a.conf"' })
    symlinkSync('.', join(folder, 'd/d'))
    expect(messageOf(() => load(folder))).toMatch(
      /a\.conf:1: included files nest too deeply: expected at most 16 levels$/,
    )
  })

  test('of too many files', () => {
    const files = Object.fromEntries(
      Array.from({ length: 15 }, (_, i) => [`${i}.conf`, `include "${i + 1}.conf" `.repeat(2)]),
    )
    const folder = write({ ...files, 'main.conf': 'include "0.conf"', '14.conf': '' })
    expect(messageOf(() => load(folder))).toMatch(
      /: too many included files: expected at most 1000$/,
    )
  })

  test('of a scope that does not end in its file', () => {
    const folder = write({ 'main.conf': 'include "a.conf" }', 'a.conf': 'domain x {' })
    expect(messageOf(() => load(folder))).toBe(
      `${folder}/a.conf:1: unexpected end of file: expected "}" to close "domain" of line 1`,
    )
  })

  test('of other schemes', () => {
    const folder = write({ 'main.conf': 'include "http://example.com/a"' })
    expect(messageOf(() => load(folder))).toBe(
      `${folder}/main.conf:1: expected a path or file://, found "http://example.com/a"`,
    )
  })
})
