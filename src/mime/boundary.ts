// Boundaries of containers (RFC 2046 §5.1.1): a new one must not begin any line of what it encloses, nor
// be the beginning of another boundary in the message, nor have one as its own beginning.

/**
 * A boundary that occurs in none of `texts`. `random`: some 20 characters, other ones each time. `=_` at its
 * beginning occurs in no quoted-printable or base64 text (RFC 2045 §6.7).
 */
export function makeBoundary(texts: readonly Buffer[], random: () => string): string {
  for (;;) {
    const boundary = `=_${random()}`
    if (!texts.some((text) => text.includes(`--${boundary}`))) return boundary
  }
}

/** Whether a line of the content would end a part with this boundary. */
export function holdsDelimiter(content: Buffer, boundary: string): boolean {
  const mark = Buffer.from(`--${boundary}`, 'latin1')
  let at = content.indexOf(mark)
  while (at >= 0) {
    if (at === 0 || content[at - 1] === 10) return true
    at = content.indexOf(mark, at + 1)
  }
  return false
}
