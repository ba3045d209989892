// The Location of a click: the target as sealed, made ASCII. Only what cannot stand in a header is
// percent-encoded (code points above 0x7E, blanks, controls); everything else keeps its spelling,
// because re-encoding breaks signed URLs. An IDN host becomes punycode (RFC 3492). No CR or LF
// survives, and the scheme is checked again.
import { isUrl } from '../mail/url.ts'

/** Undefined when `target` (text) is nothing to redirect to. */
export function locationOf(target: string): string | undefined {
  const bare = target.replace(/[\r\n\t]/g, '')
  const parts = /^(https?:\/\/)([^/\\?#]*)(.*)$/is.exec(bare)
  if (!parts) return undefined
  const [, scheme = '', authority = '', rest = ''] = parts
  const host = asciiAuthority(authority)
  if (!host || !isUrl(`${scheme}${host}/`)) return undefined
  return scheme + host + percentEncode(rest)
}

/** What has only visible ASCII stays as it is; else the host is parsed and user and port are kept. */
function asciiAuthority(authority: string): string | undefined {
  if (/^[\x21-\x7e]*$/.test(authority)) return authority
  const at = authority.lastIndexOf('@') + 1
  const port = /:\d*$/.exec(authority)?.[0] ?? ''
  const host = authority.slice(at, authority.length - port.length)
  const url = `http://${host}/`
  if (!isUrl(url)) return undefined
  return percentEncode(authority.slice(0, at)) + new URL(url).hostname + port
}

function percentEncode(text: string): string {
  return text.replace(/[^\x21-\x7e]+/g, (run) =>
    Array.from(
      Buffer.from(run, 'utf8'),
      (octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`,
    ).join(''),
  )
}
