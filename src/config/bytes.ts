// Configuration text is a byte string while it is read: one character (U+0000–U+00FF) per octet, so that
// values for the wire (context variables, banners) keep theirs. Paths and messages are text again.

/** Text of a byte string; octets that are not UTF-8 become U+FFFD. */
export function decode(byteString: string): string {
  return Buffer.from(byteString, 'latin1').toString('utf8')
}

/** The byte string (UTF-8) of some text. */
export function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
