// Whether a text is a URL (URL Standard). Once it is compiled, URL.canParse of Node 20 and 22 takes the characters of a
// text without any above U+00FF for UTF-8, and refuses hosts such as `bücher.example`: such texts are parsed instead.

/** `base`: what a relative one is resolved against; ASCII. */
export function isUrl(text: string, base?: string): boolean {
  if (/^[\x20-\x7e]*$/.test(text)) return URL.canParse(text, base)
  try {
    return Boolean(new URL(text, base))
  } catch {
    return false
  }
}
