// Event records in the shape that consumers of Momentum and SparkPost read: `{"msys":{"<class>":{…}}}`,
// flat, with every scalar a string and times in epoch seconds. Momentum manual page "reporting_webhooks".
// Facts are what is known of a copy when it is accepted; they travel with it, so that a later event needs
// nothing else.

/** Flat facts of one copy: event fields by name. Text (not byte strings); `rcpt_meta`, `rcpt_tags` are JSON. */
export type Facts = Readonly<Record<string, string>>

export type MessageEventType = 'injection' | 'delivery' | 'delay' | 'bounce' | 'policy_rejection'
export type TrackEventType = 'open' | 'initial_open' | 'click'
export type EventType = MessageEventType | TrackEventType | 'link_unsubscribe'

/** What every event has, given by the caller: this room reads no clock and rolls no dice. */
export interface Stamp {
  readonly eventId: string
  readonly seconds: number
  readonly nodeName: string
}

/**
 * The record of one event as JSON. Of several facts of a name the last holds; empty ones are left out. It is put
 * together as text: an object of so many fields is slow to fill and to read.
 */
export function eventLine(
  type: EventType,
  { eventId, seconds, nodeName }: Stamp,
  facts: readonly Facts[],
): string {
  let fields = `"type":"${type}","event_id":${text(eventId)},"timestamp":"${seconds}","node_name":${text(nodeName)}`
  for (let i = 0; i < facts.length; i++) {
    const some = facts[i] ?? {}
    for (const name of Object.keys(some)) {
      const value = some[name] ?? ''
      if (value === '' || isSaidAgain(facts, i, name) || ONLY_IN.get(name)?.has(type) === false)
        continue
      fields += `,${text(name)}:${STRUCTURED.has(name) ? structured(value) : text(value)}`
    }
  }
  return `{"msys":{"${eventClass(type)}":{${fields}}}}`
}

/** Whether facts behind the one at `index` have that name too. */
function isSaidAgain(facts: readonly Facts[], index: number, name: string): boolean {
  for (let i = index + 1; i < facts.length; i++) {
    const other = facts[i] ?? {}
    if (Object.hasOwn(other, name) && other[name] !== '') return true
  }
  return false
}

function text(value: string): string {
  return PLAIN.test(value) ? `"${value}"` : JSON.stringify(value)
}

/** Stands in JSON as it is. */
const PLAIN = /^[ !#-[\]-~]*$/

/** Facts that events of other types do not have, though they are known. */
const ONLY_IN: ReadonlyMap<string, ReadonlySet<EventType>> = new Map([
  ['pathway', new Set<EventType>(['injection', 'policy_rejection'])],
  ['pathway_group', new Set<EventType>(['injection', 'policy_rejection'])],
  ['recv_method', new Set<EventType>(['injection', 'delivery', 'bounce', 'policy_rejection'])],
])

/** Fields that are objects or arrays in the record. */
const STRUCTURED: ReadonlySet<string> = new Set(['rcpt_meta', 'rcpt_tags', 'user_agent_parsed'])

function eventClass(type: EventType): string {
  switch (type) {
    case 'open':
    case 'initial_open':
    case 'click':
      return 'track_event'
    case 'link_unsubscribe':
      return 'unsubscribe_event'
    default:
      return 'message_event'
  }
}

/** On one line; what is no JSON is shown as it is: it was written by ourselves, or stood in a damaged record. */
function structured(value: string): string {
  if (value === '{}' || value === '[]') return value
  // Mostly all copies of a message have the same.
  if (latest.value !== value) latest = { value, line: onOneLine(value) }
  return latest.line
}

let latest = { value: '', line: '' }

function onOneLine(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json))
  } catch {
    return text(json)
  }
}
