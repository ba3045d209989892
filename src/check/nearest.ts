// Which word was probably meant by a misspelt one.

/** The nearest of some words: at most two letters away, one in short words, and not the word itself; undefined: none is. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.min(2, Math.floor(word.length / 3)) + 1
  for (const one of words) {
    if (one === word) continue
    const distance = distanceBetween(word.toLowerCase(), one.toLowerCase(), least)
    if (distance < least) [best, least] = [one, distance]
  }
  return best
}

/** Insertions, deletions, substitutions and swaps of neighbours; at least `limit` where there are more. */
function distanceBetween(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      const change = (row[j - 1] ?? 0) + (isSame ? 0 : 1)
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = isSwapped ? (before[j - 2] ?? 0) + 1 : Infinity
      next.push(Math.min(change, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row[b.length] ?? limit
}
