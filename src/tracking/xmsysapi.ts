// The X-MSYS-API header field: JSON options that a sender gives for one message (Momentum manual,
// x-msys-api_header). Read from the first such field, whatever its case; always removed before relay,
// because it may hold metadata and address lists. Keys that the transform does not know are ignored.
import type { Reply } from '../mail/reply.ts'
import { decodeWords } from '../mime/encodedword.ts'
import { type Field, fieldValue } from '../mime/field.ts'
import { findFields, removeFields } from '../mime/header.ts'
import { isJsonObject, type JsonObject, parseJson, stringsOf } from './json.ts'

/** Strings are text (not byte strings), as the JSON had them. */
export interface ApiSettings {
  readonly openTracking?: boolean
  readonly clickTracking?: boolean
  readonly campaignId?: string
  readonly metadata?: JsonObject
  readonly tags?: readonly string[]
}

export type ApiHeader =
  | { readonly kind: 'absent' }
  | { readonly kind: 'settings'; readonly settings: ApiSettings }
  | { readonly kind: 'refused'; readonly reply: Reply }

const NAME = 'X-MSYS-API'

/** A field without a value counts as absent. */
export function readApiHeader(fields: readonly Field[]): ApiHeader {
  const field = findFields(fields, NAME)[0]
  // A fold is one space there, also inside a JSON string, where a TAB would be an error.
  const value = field && fieldValue(field)
  if (!value) return { kind: 'absent' }
  const parsed = parseJson(value.includes('=?') ? decodeWords(value) : value)
  if (!isJsonObject(parsed)) return refused('header must be a valid JSON object')
  return readSettings(parsed)
}

export function removeApiHeader(fields: readonly Field[]): readonly Field[] {
  return removeFields(fields, NAME)
}

type Expected = 'json object' | 'array' | 'string' | 'boolean'

const MEMBERS: readonly (readonly [path: string, expected: Expected])[] = [
  ['options', 'json object'],
  ['options.open_tracking', 'boolean'],
  ['options.click_tracking', 'boolean'],
  ['campaign_id', 'string'],
  ['metadata', 'json object'],
  ['tags', 'array'],
]

function readSettings(api: JsonObject): ApiHeader {
  for (const [path, expected] of MEMBERS) {
    const value = member(api, path)
    if (value !== undefined && !hasType(value, expected)) {
      return refused(`'${path}' must be of type '${expected}'`)
    }
  }
  const open = member(api, 'options.open_tracking')
  const click = member(api, 'options.click_tracking')
  const campaignId = member(api, 'campaign_id')
  const metadata = member(api, 'metadata')
  const tags = member(api, 'tags')
  return {
    kind: 'settings',
    settings: {
      ...(typeof open === 'boolean' && { openTracking: open }),
      ...(typeof click === 'boolean' && { clickTracking: click }),
      ...(typeof campaignId === 'string' && { campaignId }),
      ...(isJsonObject(metadata) && { metadata }),
      ...(Array.isArray(tags) && { tags: stringsOf(tags) }),
    },
  }
}

/** Own members only: a name such as `constructor` must not reach a prototype. */
function member(api: JsonObject, path: string): unknown {
  let value: unknown = api
  for (const name of path.split('.')) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

function hasType(value: unknown, expected: Expected): boolean {
  if (expected === 'json object') return isJsonObject(value)
  return expected === 'array' ? Array.isArray(value) : typeof value === expected
}

function refused(text: string): ApiHeader {
  return { kind: 'refused', reply: { code: 550, enhanced: '5.6.0', text: `${NAME} ${text}` } }
}
