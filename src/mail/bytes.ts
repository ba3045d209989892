// Byte strings: what Lua strings, header values, addresses and context variables are in TypeScript.
// A byte string is a JavaScript string with one character (U+0000–U+00FF) per octet, so that bytes
// from the wire survive whatever their charset. Text for people and JSON is made by `toText`.

/** The octets of a byte string. */
export function toBytes(byteString: string): Buffer {
  return Buffer.from(byteString, 'latin1')
}

/** The byte string of some octets. */
export function fromBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** ASCII letters in lower case; octets of UTF-8 stay as they are, which `toLowerCase` would not leave. */
export function lowerCase(byteString: string): string {
  return byteString.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** Text of a byte string that holds UTF-8; octets that are not UTF-8 become U+FFFD. */
export function toText(byteString: string): string {
  // Only octets above 0x7F need decoding; most addresses and values have none.
  return /[\x80-\xff]/.test(byteString) ? toBytes(byteString).toString('utf8') : byteString
}

/** The byte string (UTF-8) of some text. */
export function fromText(text: string): string {
  return /[^\0-\x7f]/.test(text) ? fromBytes(Buffer.from(text, 'utf8')) : text
}
