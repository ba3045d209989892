// xtext, the encoding of values in SMTP parameters and X verbs (RFC 3461 §4): the printable ASCII
// characters but `+` and `=` stand for themselves, any other octet is `+` and two hex digits. The RFC
// has upper-case digits only; lower-case ones are read too, and never written. Byte strings.

/** The value; undefined when the text is no xtext. May hold any octet: control characters, NUL. */
export function decodeXtext(text: string): string | undefined {
  if (!XTEXT.test(text)) return undefined
  return text.replace(HEX_CHARACTER, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
}

export function encodeXtext(value: string): string {
  return value.replace(
    NOT_LITERAL,
    (octet) => `+${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

const XTEXT = /^(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})*$/
const HEX_CHARACTER = /\+(..)/g
const NOT_LITERAL = /[^!-*,-<>-~]/g
