// Results kept by a string that strangers choose (an address, a domain), and so at most 4,096 of them.

const MOST = 4096

/** The function, with its last results kept. */
export function remember<T extends {}>(compute: (key: string) => T): (key: string) => T {
  const results = new Map<string, T>()
  return (key) => {
    const known = results.get(key)
    if (known !== undefined) return known
    const result = compute(key)
    const oldest = results.size < MOST ? undefined : results.keys().next()
    if (oldest && !oldest.done) results.delete(oldest.value)
    results.set(key, result)
    return result
  }
}
