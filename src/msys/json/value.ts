// JSON as policy holds it: objects keep the order of their keys, numbers their text where a double would
// print another one. Strings are byte strings, in UTF-8 when the text was.
import type { ApiObject } from '../handle.ts'

/** What stands in a JSON text; undefined is null. */
export type JsonValue = undefined | boolean | number | JsonNumber | string | JsonObject | JsonArray

/** A number that is printed as it was written: `1.0`, or more digits than a double has. */
export interface JsonNumber {
  readonly kind: 'number'
  readonly value: number
  readonly text: string
}

export interface JsonObject extends ApiObject {
  readonly kind: 'json'
  readonly shape: 'object'
  readonly members: Map<string, JsonValue>
}

export interface JsonArray extends ApiObject {
  readonly kind: 'json'
  readonly shape: 'array'
  readonly items: JsonValue[]
}

/** `json.encode(42)` is an object too. */
export interface JsonScalar extends ApiObject {
  readonly kind: 'json'
  readonly shape: 'scalar'
  readonly value: undefined | boolean | number | JsonNumber | string
}

export type JsonHandle = JsonObject | JsonArray | JsonScalar

export function jsonObject(members = new Map<string, JsonValue>()): JsonObject {
  return { kind: 'json', shape: 'object', members }
}

export function jsonArray(items: JsonValue[] = []): JsonArray {
  return { kind: 'json', shape: 'array', items }
}

export function isHandle(value: JsonValue): value is JsonObject | JsonArray {
  return typeof value === 'object' && value.kind === 'json'
}
