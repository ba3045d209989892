// Who may import whom: the rooms of src/ and what each may use. A layer that leaks shows here.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const SRC = new URL('../src', import.meta.url).pathname

const ROOMS: Readonly<Record<string, readonly string[]>> = {
  mime: [],
  mail: ['mime'],
  config: [],
  lua: [],
  outside: ['lua', 'mail', 'config'],
  msys: ['lua', 'mail', 'mime', 'config', 'outside'],
  policy: ['lua', 'msys', 'mail', 'config', 'outside'],
  check: ['lua', 'msys', 'policy'],
  tracking: ['mail', 'mime'],
  spool: ['mail', 'mime'],
  relay: ['mail', 'mime', 'spool', 'config'],
  redis: ['config'],
  events: ['tracking', 'mail', 'config', 'redis'],
  // `msys` beside the rooms of the design: the session makes the objects that callouts receive.
  smtp: ['policy', 'msys', 'tracking', 'mime', 'mail', 'spool', 'config', 'events'],
  metrics: [],
  fleet: [],
  telemetry: [],
  http: ['tracking', 'events', 'spool', 'policy', 'mail', 'metrics'],
  sharing: ['redis', 'tracking', 'events', 'policy', 'msys', 'mail', 'config'],
  // Beside what it looks at.
  observing: [
    'smtp',
    'relay',
    'spool',
    'events',
    'tracking',
    'policy',
    'msys',
    'mail',
    'config',
    'fleet',
    'metrics',
    'telemetry',
  ],
}

/** These use a server, and with it what stands in src/ itself. */
const MAY_IMPORT: typeof ROOMS = {
  ...ROOMS,
  rehearsal: Object.keys(ROOMS),
  testing: ['lua', 'policy', 'config', 'mail', 'mime', 'outside', 'rehearsal'],
  recording: ['smtp', 'config', 'mail', 'mime', 'policy', 'rehearsal'],
  console: [...Object.keys(ROOMS), 'rehearsal'],
  workers: [...Object.keys(ROOMS), 'console'],
  cli: [...Object.keys(ROOMS), 'rehearsal', 'testing', 'recording', 'console', 'workers'],
}

const PURE_ROOMS = ['mime', 'mail', 'tracking', 'metrics', 'telemetry']
/** zlib is as pure as crypto: octets in, octets out. */
const PURE_NODE_MODULES = ['node:buffer', 'node:crypto', 'node:zlib']

interface Import {
  readonly file: string
  readonly room: string
  readonly target: string
}

const files = sourceFiles(SRC)
const imports = files.flatMap(importsOf)

describe('the rooms of src/', () => {
  test.each(Object.entries(MAY_IMPORT))('%s imports only %j', (room, allowed) => {
    const foreign = imports
      .filter((line) => line.room === room)
      .filter(({ target }) => target.startsWith('src/'))
      .map((line) => ({ ...line, room: roomOf(line.target) }))
      .filter((line) => line.room !== room && !allowed.includes(line.room))
      .filter((line) => room in ROOMS || line.room !== '')
    expect(foreign).toEqual([])
  })

  test('a server uses none of those that use it', () => {
    const above = imports.filter(
      ({ room, target }) =>
        room === '' &&
        target.startsWith('src/') &&
        !['', ...Object.keys(ROOMS)].includes(roomOf(target)),
    )
    expect(above).toEqual([])
  })

  test('every folder is a room of the table', () => {
    const folders = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(folders.map(({ name }) => name).sort()).toEqual(Object.keys(MAY_IMPORT).sort())
  })

  test('pure rooms use nothing of node but buffer, crypto and zlib', () => {
    const used = imports.filter(
      ({ room, target }) =>
        PURE_ROOMS.includes(room) &&
        target.startsWith('node:') &&
        !PURE_NODE_MODULES.includes(target),
    )
    expect(used).toEqual([])
  })

  test('pure rooms read no clock and roll no dice', () => {
    const impure = files
      .filter((file) => PURE_ROOMS.includes(roomOf(`src/${relative(SRC, file)}`)))
      .filter((file) =>
        /Date\.now|new Date\(\)|Math\.random|randomBytes|randomUUID|performance\./.test(
          readFileSync(file, 'utf8'),
        ),
      )
    expect(impure).toEqual([])
  })

  test('each third-party package is imported by one file', () => {
    const users = new Map<string, Set<string>>()
    for (const { file, room, target } of imports) {
      // The demo's sink is a program of its own beside the server.
      if (room === 'cli') continue
      if (target.startsWith('src/') || target.startsWith('node:')) continue
      const name = target.startsWith('@') ? target.split('/', 2).join('/') : target.split('/')[0]!
      users.set(name, (users.get(name) ?? new Set()).add(file))
    }
    const shared = [...users].filter(([name, by]) => by.size > 1 && !WIDELY_USED.includes(name))
    expect(shared.map(([name, by]) => [name, ...by])).toEqual([])
  })
})

/** hono is what an app is written in; #fengari is our own build, and lua/ alone may use it. */
const WIDELY_USED = ['hono', '@hono/node-server', '#fengari']

test('only lua/ imports the Lua engine', () => {
  const others = imports.filter(({ target, room }) => target === '#fengari' && room !== 'lua')
  expect(others).toEqual([])
})

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sourceFiles(path)
    return path.endsWith('.ts') && !path.endsWith('.d.ts') ? [path] : []
  })
}

function importsOf(path: string): Import[] {
  const file = `src/${relative(SRC, path)}`
  const text = readFileSync(path, 'utf8')
  const statement =
    /^(?:import|export)\b[^'"]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm
  const targets = [...text.matchAll(statement)].map((match) => (match[1] ?? match[2] ?? match[3])!)
  return targets.map((target) => ({
    file,
    room: roomOf(file),
    target: target.startsWith('.') ? `src/${relative(SRC, join(path, '..', target))}` : target,
  }))
}

/** `''` for files that stand directly in src/. */
function roomOf(path: string): string {
  const parts = path.split('/')
  return parts.length > 2 ? parts[1]! : ''
}
