// A Map and a Set for what comes and goes with messages and connections. A table that a Map of V8 has outgrown (it
// takes a new one again and again, however few entries there are) refers to the next one. Once one of them lies among
// old objects, dead, all later tables and what stood in them outlive each scavenge, which then takes five to twenty
// times as long, until the whole heap is collected. So the Map itself is replaced before that adds up. Pure.

/** What is added before it is replaced, at least. */
const FEWEST = 1024
/** Beyond so many entries a copy would be felt; their table is replaced seldom. */
const MOST_COPIED = 8192

export class FleetingMap<K, V> implements ReadonlyMap<K, V> {
  #entries = new Map<K, V>()
  #left = FEWEST

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  has(key: K): boolean {
    return this.#entries.has(key)
  }

  /** An iterator that is under way does not see what comes after its Map was replaced. */
  set(key: K, value: V): this {
    if (this.#left-- === 0) this.#renew()
    this.#entries.set(key, value)
    return this
  }

  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  keys(): MapIterator<K> {
    return this.#entries.keys()
  }

  values(): MapIterator<V> {
    return this.#entries.values()
  }

  entries(): MapIterator<[K, V]> {
    return this.#entries.entries()
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#entries.entries()
  }

  forEach(task: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.#entries) task(value, key, this)
  }

  #renew(): void {
    const { size } = this.#entries
    if (size <= MOST_COPIED) this.#entries = new Map(this.#entries)
    this.#left = Math.max(FEWEST, 4 * size)
  }
}

export class FleetingSet<T> {
  readonly #members = new FleetingMap<T, T>()

  get size(): number {
    return this.#members.size
  }

  has(member: T): boolean {
    return this.#members.has(member)
  }

  add(member: T): this {
    this.#members.set(member, member)
    return this
  }

  delete(member: T): boolean {
    return this.#members.delete(member)
  }

  [Symbol.iterator](): MapIterator<T> {
    return this.#members.keys()
  }
}
