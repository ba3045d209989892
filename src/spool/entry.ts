// A spool entry: one received message, as the relay, the logs and the events need it. The octets of the
// message are not in it; the copies' renditions refer to them by range. Its stored form is JSON in which
// everything that copies share stands once, so that a further recipient costs what is its own.
// Byte strings are JSON strings here: their characters survive UTF-8.
import { toText } from '../mail/bytes.ts'
import type { Changes, ContextChanges } from '../mail/context.ts'
import { DEFAULT_EGRESS, type Egress, type Notify } from '../mail/envelope.ts'
import type { Piece, Rendition } from '../mail/rendition.ts'
import { packPieces, unpackPieces } from './pieces.ts'

/** By name; byte strings. */
export type Facts = Readonly<Record<string, string>>

export interface Entry {
  readonly batchId: string
  readonly connectionId: string
  readonly receivedMs: number
  /** As received. Byte string, '' for the null sender. */
  readonly mailfrom: string
  /** What logs and events tell of every copy. */
  readonly facts: Facts
  /** The dictionaries as the message had them before its copies were made. */
  readonly context: { readonly connection: Facts; readonly message: Facts }
  readonly copies: readonly EntryCopy[]
}

/** One recipient's. */
export interface EntryCopy {
  readonly id: string
  /** Byte string, '' for the null sender; policy may give a copy another than its entry's. */
  readonly mailfrom: string
  readonly rcptto: string
  readonly routingDomain: string
  readonly rendition: Rendition
  readonly sizeBytes: number
  /** In which it differs from its entry. */
  readonly context: ContextChanges
  readonly facts: Facts
  /** The binding that it leaves by; absent: the default one. */
  readonly egress?: Egress | undefined
  /** Which notifications its sender wants. */
  readonly notify?: Notify | undefined
  /** 1: it goes before others. */
  readonly priority?: 1 | undefined
}

/** Version 1 had pieces as lists. */
const ENTRY_VERSION = 2

/** The stored form, to be made JSON of. */
export interface PackedEntry {
  readonly version: number
  readonly common: Omit<Entry, 'copies'>
  /** Lists of pieces (pieces.ts), each used by one copy or many. */
  readonly pieces: readonly (string | readonly Piece[])[]
  readonly copies: readonly PackedCopy[]
}

/** `own` holds what few copies have; absent when it would be empty. */
type PackedCopy = readonly [
  id: string,
  rcptto: string,
  routingDomain: string,
  pieces: number,
  holes: readonly string[],
  sizeBytes: number,
  own?: Own,
]

interface Own {
  mailfrom?: string
  connection?: Changes
  message?: Changes
  facts?: Facts
  egress?: Egress
  notify?: Notify
  priority?: 1
}

export function packEntry({ copies, ...common }: Entry): PackedEntry {
  const pieces: string[] = []
  // Copies of one template have the very same list.
  const known = new Map<string | readonly Piece[], number>()
  const tableOf = (list: readonly Piece[]): number => {
    const present = known.get(list)
    if (present !== undefined) return present
    const text = packPieces(list)
    const index = known.get(text) ?? pieces.push(text) - 1
    known.set(text, index)
    known.set(list, index)
    return index
  }
  return {
    version: ENTRY_VERSION,
    common,
    pieces,
    copies: copies.map((copy) => packCopy(copy, common.mailfrom, tableOf(copy.rendition.pieces))),
  }
}

/** Throws when the form is none that this version writes. */
export function checkEntry({ version, pieces, copies }: PackedEntry): void {
  if (version > ENTRY_VERSION) throw new Error(`entries of version ${version} are not known here`)
  const lacking = copies.find(([, , , table]) => pieces[table] === undefined)
  if (lacking) missingPieces(lacking[0])
}

/** Of what `checkEntry` lets pass. */
export function unpackEntry({ common, pieces, copies }: PackedEntry): Entry {
  const lists = pieces.map((packed) => new PieceList(packed))
  return {
    ...common,
    copies: copies.map(([id, rcptto, routingDomain, table, holes, sizeBytes, own]) => ({
      id,
      mailfrom: own?.mailfrom ?? common.mailfrom,
      rcptto,
      routingDomain,
      rendition: new StoredRendition(lists[table] ?? missingPieces(id), holes),
      sizeBytes,
      context: { connection: own?.connection ?? {}, message: own?.message ?? {} },
      facts: own?.facts ?? {},
      egress: own?.egress,
      notify: own?.notify,
      priority: own?.priority,
    })),
  }
}

/** The queue and the binding of a copy. */
type NewWay = Pick<EntryCopy, 'routingDomain' | 'egress'>

/** These copies go other ways; by index. */
export function rerouted(entry: Entry, ways: ReadonlyMap<number, NewWay>): Entry {
  const copies = entry.copies.map((copy, i): EntryCopy => {
    const way = ways.get(i)
    if (!way) return copy
    const { routingDomain, egress } = way
    return { ...copy, routingDomain, egress, facts: factsBy(copy.facts, way) }
  })
  return { ...entry, copies }
}

/** What events tell of its way, where they do. */
function factsBy(facts: EntryCopy['facts'], { routingDomain, egress = DEFAULT_EGRESS }: NewWay) {
  const told = {
    routing_domain: toText(routingDomain),
    binding: toText(egress.binding),
    binding_group: toText(egress.group),
  }
  const changed = Object.entries(told).filter(([name]) => facts[name] !== undefined)
  return { ...facts, ...Object.fromEntries(changed) }
}

function packCopy(copy: EntryCopy, mailfrom: string, table: number): PackedCopy {
  const { id, rcptto, routingDomain, rendition, sizeBytes, context, facts } = copy
  const own: Own = {}
  if (copy.mailfrom !== mailfrom) own.mailfrom = copy.mailfrom
  if (hasAny(context.connection)) own.connection = context.connection
  if (hasAny(context.message)) own.message = context.message
  if (hasAny(facts)) own.facts = facts
  if (copy.egress) own.egress = copy.egress
  if (copy.notify) own.notify = copy.notify
  if (copy.priority) own.priority = copy.priority
  const packed = [id, rcptto, routingDomain, table, rendition.holes, sizeBytes] as const
  return hasAny(own) ? [...packed, own] : packed
}

/** Made when a copy asks for it, most of what an entry would take in memory, and the same for all copies that have it. */
class PieceList {
  #packed: string | readonly Piece[]

  constructor(packed: string | readonly Piece[]) {
    this.#packed = packed
  }

  unpacked(): readonly Piece[] {
    return (this.#packed =
      typeof this.#packed === 'string' ? unpackPieces(this.#packed) : this.#packed)
  }
}

class StoredRendition implements Rendition {
  readonly holes: readonly string[]
  readonly #list: PieceList

  constructor(list: PieceList, holes: readonly string[]) {
    this.#list = list
    this.holes = holes
  }

  get pieces(): readonly Piece[] {
    return this.#list.unpacked()
  }
}

function hasAny(record: object): boolean {
  return Object.keys(record).length > 0
}

function missingPieces(id: string): never {
  throw new Error(`copy ${id} refers to pieces that its entry does not have`)
}
