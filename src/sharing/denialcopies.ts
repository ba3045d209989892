// Where it is remembered whose links lead nowhere: a file of JSON lines, which all workers of a node read and write,
// and a hash in Redis for all nodes, with a number beside it that grows with every change.
import { randomUUID } from 'node:crypto'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Denial, type DenialCopy, type Denials, DENIAL_KINDS, makeDenials } from './denials.ts'
import type { Nodes } from './nodes.ts'

const REFRESH_MS = 1_000

/** Up to date when it resolves, as far as its copies can be asked; Redis says by itself that it is away. */
export async function openDenials(
  spoolbase: string,
  nodes: Pick<Nodes, 'link' | 'options'>,
  warn: (text: string) => void,
): Promise<Denials & { close(): void }> {
  const copies = [denialFile(join(spoolbase, 'denied')), denialsOfNodes(nodes)]
  const denials = makeDenials(copies, Date.now)
  let said = ''
  const refresh = async (): Promise<void> => {
    const failed = (await denials.refresh()).filter((text) => !text.startsWith('redis: '))
    const text = failed.join(', ')
    if (text !== said && text !== '') warn(`list of denied links: ${text}`)
    said = text
  }
  await refresh()
  const timer = setInterval(() => void refresh(), REFRESH_MS).unref()
  return { ...denials, close: () => clearInterval(timer) }
}

/** Its folder is there when something is written. */
function denialFile(path: string): DenialCopy {
  return {
    name: path,
    async version() {
      const found = await stat(path, { bigint: true }).catch(ignoreMissing)
      return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : 'missing'
    },
    async read() {
      const text = await readFile(path, 'utf8').catch(ignoreMissing)
      return (text ?? '').split('\n').flatMap((line) => denialOf(line) ?? [])
    },
    async write(_, all) {
      const lines = all.map((each) => `${JSON.stringify(each)}\n`)
      // Two may write at once: the later one is whole, and the other one looks again.
      const next = `${path}.${randomUUID()}`
      const file = await open(next, 'w', 0o600)
      try {
        await file.writeFile(lines.join(''))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(next, path)
      const folder = await open(dirname(path))
      await folder.sync()
      await folder.close()
    },
  }
}

/** Only what is newer than what is there, whoever else writes. */
const WRITE = `
local isChanged = false
for i = 1, #ARGV, 2 do
  local there = redis.call('HGET', KEYS[1], ARGV[i])
  local at = there and cjson.decode(there).atMs or 0
  if cjson.decode(ARGV[i + 1]).atMs > at then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    isChanged = true
  end
end
if isChanged then redis.call('INCR', KEYS[2]) end
return 1`

const WRITTEN_AT_ONCE = 500

function denialsOfNodes(nodes: Pick<Nodes, 'link' | 'options'>): DenialCopy {
  const key = (): string => `${nodes.options?.prefix ?? ''}{denied}`
  const call: NonNullable<Nodes['link']>['call'] = async (command, ...args) =>
    nodes.link?.call(command, ...args)
  return {
    name: 'redis',
    async version() {
      if (!nodes.link) return undefined
      return `${key()} ${String(await call('GET', `${key()}:version`))}`
    },
    async read() {
      const answer = await call('HVALS', key())
      return Array.isArray(answer) ? answer.flatMap((text) => denialOf(String(text)) ?? []) : []
    },
    async write(news) {
      for (let i = 0; i < news.length; i += WRITTEN_AT_ONCE) {
        const some = news.slice(i, i + WRITTEN_AT_ONCE)
        const fields = some.flatMap((each) => [`${each.kind} ${each.name}`, JSON.stringify(each)])
        await call('EVAL', WRITE, 2, key(), `${key()}:version`, ...fields)
      }
    },
  }
}

/** Undefined: it is nothing of the kind. */
function denialOf(line: string): Denial | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- looked at below
    const { kind, name, isDenied, atMs } = JSON.parse(line) as Partial<Denial>
    const isWhole = typeof name === 'string' && typeof isDenied === 'boolean'
    const known = DENIAL_KINDS.find((each) => each === kind)
    if (!known || !isWhole || typeof atMs !== 'number') return undefined
    return { kind: known, name, isDenied, atMs }
  } catch {
    // A line that is cut, or not ours.
    return undefined
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}
