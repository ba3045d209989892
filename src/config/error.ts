// What is wrong with a configuration, and where. The message begins `FILE:LINE: `; lines and columns
// count from 1, columns in octets.
import { decode } from './bytes.ts'

export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

export class ConfigError extends Error {
  readonly place: Place
  /** The option concerned, in lower case. */
  readonly option: string | undefined
  /** What is wrong and what was expected. */
  readonly complaint: string

  constructor(place: Place, option: string | undefined, complaint: string, options?: ErrorOptions) {
    const subject = option === undefined ? '' : `option ${quote(option)}: `
    super(`${locate(place)}: ${subject}${complaint}`, options)
    this.name = 'ConfigError'
    this.place = place
    this.option = option
    this.complaint = complaint
  }
}

/** `FILE:LINE`, as compilers print it. */
export function locate(place: Place): string {
  return `${place.file}:${place.line}`
}

/** `expected …, found …`; what is found in the file is quoted, secrets are left out. */
export function mismatch(expected: string, found?: string): string {
  return found === undefined ? `expected ${expected}` : `expected ${expected}, found ${found}`
}

/** A byte string of the file, quoted for people: decoded, cut, without control characters. */
export function quote(byteString: string): string {
  if (byteString === '') return 'an empty string'
  const text = decode(byteString.slice(0, 60))
  return JSON.stringify(byteString.length > 60 ? `${text}…` : text)
}
