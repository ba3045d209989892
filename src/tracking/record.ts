// Event records in the shape that consumers of Momentum and SparkPost read: `{"msys":{"<class>":{…}}}`,
// flat, with every scalar a string and times in epoch seconds. Momentum manual page "reporting_webhooks".
// Facts are what is known of a copy when it is accepted; they travel with it, so that a later event needs
// nothing else.

/** Flat facts of one copy: event fields by name. Text (not byte strings); `rcpt_meta`, `rcpt_tags` are JSON. */
export type Facts = Readonly<Record<string, string>>

export type MessageEventType = 'injection' | 'delivery' | 'delay' | 'bounce' | 'policy_rejection'
export type TrackEventType = 'open' | 'initial_open' | 'click'
export type EventType = MessageEventType | TrackEventType | 'link_unsubscribe'

export interface EventRecord {
  readonly msys: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** What every event has, given by the caller: this room reads no clock and rolls no dice. */
export interface Stamp {
  readonly eventId: string
  readonly seconds: number
  readonly nodeName: string
}

/** Builds the record of one event. Of several facts of a name the last holds; empty ones are left out. */
export function eventRecord(type: EventType, stamp: Stamp, facts: readonly Facts[]): EventRecord {
  const fields: Record<string, unknown> = {
    type,
    event_id: stamp.eventId,
    timestamp: String(stamp.seconds),
    node_name: stamp.nodeName,
  }
  for (const some of facts) {
    for (const name of Object.keys(some)) {
      const value = some[name] ?? ''
      if (value !== '' && (ONLY_IN[name]?.has(type) ?? true))
        fields[name] = STRUCTURED.has(name) ? parsed(value) : value
    }
  }
  return { msys: { [eventClass(type)]: fields } }
}

/** Facts that events of other types do not have, though they are known. */
const ONLY_IN: Readonly<Record<string, ReadonlySet<EventType>>> = {
  pathway: new Set(['injection', 'policy_rejection']),
  pathway_group: new Set(['injection', 'policy_rejection']),
  recv_method: new Set(['injection', 'delivery', 'bounce', 'policy_rejection']),
}

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

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // Written by ourselves; what a damaged spool record gives is shown as it is.
    return json
  }
}
