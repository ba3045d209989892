// Changes that reach all nodes, through a Redis stream: each process adds its own and reads those of other
// nodes from where it was. A start reads what the stream still has, its own of earlier runs too. While Redis is
// away changes wait, and the newest of them go out later.
import { randomUUID } from 'node:crypto'
import type { Change } from '../msys/shared/state.ts'
import type { Nodes } from './nodes.ts'
import type { Link } from '../redis/link.ts'
import type { Sharing } from './sharing.ts'

export interface NodeState {
  /** How far it has read; undefined: it has not. */
  readonly position: string | undefined
  /** Reads from there on; from the beginning if it is not given. */
  begin(position?: string): void
  close(): void
}

const GATHER_MS = 100
const WAIT_MS = 1_000
const RETRY_MS = 500
/** Messages that the stream keeps, roughly, for nodes that start or were cut off. */
const MOST_KEPT = 10_000
/** Changes while Redis is away; the newest are told later. */
const MOST_WAITING = 50_000
const READ_AT_ONCE = 200

/** `node`: the same for all workers of a node. */
export function shareWithNodes(
  sharing: Sharing,
  nodes: Pick<Nodes, 'link' | 'options'>,
  node: string = randomUUID(),
): NodeState {
  const sender = randomUUID()
  const reader: Reader = {
    position: undefined,
    numbers: new Map(),
    beganMs: Date.now(),
  }
  let isClosed = false
  let isSending = false
  const keyOf = (): string => `${nodes.options?.prefix ?? ''}state`
  const waiting: Change[] = []
  /** Sent until it is answered, under the same number: who has read it already ignores it. */
  let pending: Message | undefined
  let lastNumber = 0
  const next = (): Message | undefined => {
    const taken = waiting.splice(0)
    if (taken.length === 0) return undefined
    return { number: ++lastNumber, content: JSON.stringify(taken.slice(-MOST_WAITING)) }
  }
  const send = async (): Promise<void> => {
    if (isSending) return
    isSending = true
    while (!isClosed && nodes.link && (pending ??= next())) {
      const { number, content } = pending
      const fields = ['node', node, 'process', sender, 'n', number, 'c', content]
      const added = nodes.link.call('XADD', keyOf(), 'MAXLEN', '~', MOST_KEPT, '*', ...fields)
      if (await isAnswered(added)) pending = undefined
      else await pause()
    }
    isSending = false
  }
  sharing.tellBy('cluster', {
    gatherMs: GATHER_MS,
    tell(changes) {
      if (!nodes.link) return
      addBounded(waiting, changes)
      void send()
    },
  })
  const receive = async (): Promise<void> => {
    while (!isClosed) {
      const { link } = nodes
      const isRead = link && (await readSome(link, keyOf(), reader, node, sharing))
      if (!isRead) await pause()
    }
  }
  return {
    get position() {
      return reader.position
    },
    begin(position) {
      reader.position = position
      void receive()
    },
    close: () => void (isClosed = true),
  }
}

/** The oldest go first, many at once. */
function addBounded(waiting: Change[], changes: readonly Change[]): void {
  for (const change of changes) waiting.push(change)
  if (waiting.length > 2 * MOST_WAITING) waiting.splice(0, waiting.length - MOST_WAITING)
}

/** False when Redis is away. */
async function readSome(
  link: Link,
  key: string,
  reader: Reader,
  node: string,
  sharing: Sharing,
): Promise<boolean> {
  const from = reader.position ?? '0'
  try {
    const how = ['COUNT', READ_AT_ONCE, 'BLOCK', WAIT_MS, 'STREAMS', key, from] as const
    const answer = await link.wait(WAIT_MS, 'XREAD', ...how)
    for (const { id, fields } of entriesOf(answer)) {
      reader.position = id
      if (fields.get('node') !== node && isNew(reader, fields)) {
        sharing.take(changesOf(fields.get('c')), Number.parseInt(id, 10) < reader.beganMs)
      }
    }
    return true
  } catch {
    // The link has said so.
    return false
  }
}

function isNew({ numbers }: Reader, fields: Entry['fields']): boolean {
  const sender = fields.get('process') ?? ''
  const number = Number(fields.get('n'))
  if (number <= (numbers.get(sender) ?? 0)) return false
  numbers.set(sender, number)
  return true
}

/** Of a failure the link has said that Redis is away. */
function isAnswered(call: Promise<unknown>): Promise<boolean> {
  return call.then(
    () => true,
    () => false,
  )
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref())
}

interface Reader {
  position: string | undefined
  /** The last message of each process. */
  readonly numbers: Map<string, number>
  /** Epoch milliseconds: what was said before is in files of ours, too. */
  readonly beganMs: number
}

interface Message {
  readonly number: number
  readonly content: string
}

interface Entry {
  readonly id: string
  readonly fields: ReadonlyMap<string, string>
}

/** Of an answer to XREAD: a list of streams with their entries, or nothing. */
function entriesOf(answer: unknown): Entry[] {
  if (!Array.isArray(answer)) return []
  const [[, entries] = []] = answer as [string, [Buffer, Buffer[]][]][]
  return (entries ?? []).map(([id, flat]) => {
    const fields = new Map<string, string>()
    for (let i = 0; i + 1 < flat.length; i += 2) fields.set(String(flat[i]), String(flat[i + 1]))
    return { id: String(id), fields }
  })
}

function changesOf(text: string | undefined): Change[] {
  try {
    const changes: unknown = JSON.parse(text ?? '[]')
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this program
    return Array.isArray(changes) ? (changes as Change[]) : []
  } catch {
    // Somebody else wrote it: nothing to take.
    return []
  }
}
