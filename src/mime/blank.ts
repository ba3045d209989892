// Blanks in byte strings: space, tab, CR and LF. `String.trim` will not do, since it takes octet 0xA0,
// the end of many UTF-8 characters; nor will a regular expression for trailing ones: it is quadratic.

export function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 13 || code === 10
}

export function trimBlanks(value: string): string {
  let end = value.length
  while (end > 0 && isBlank(value.charCodeAt(end - 1))) end--
  return value.slice(Math.min(endOfBlanks(value, 0), end), end)
}

/** The first place from `start` on that holds no blank. */
export function endOfBlanks(value: string, start: number): number {
  let at = start
  while (at < value.length && isBlank(value.charCodeAt(at))) at++
  return at
}
