// The sinks that a configuration asks for.
import type { WebhookOptions } from '../config/events.ts'
import type { RedisOptions } from '../config/redis.ts'
import type { EventHydrantOptions } from '../config/config.ts'
import type { EventType } from '../tracking/record.ts'
import type { ResolveHost } from './address.ts'
import { openEventFile } from './eventfile.ts'
import { makeRedisStream } from './redisstream.ts'
import { sharedName, shareSink } from './groupsink.ts'
import type { Sink } from './sink.ts'
import { makeWebhook } from './webhook.ts'

/** The part of the configuration that is about events. */
export interface SinkConfig {
  readonly eventHydrant: EventHydrantOptions | undefined
  readonly webhooks: readonly WebhookOptions[]
  readonly redis: RedisOptions | undefined
}

export interface PlannedSink {
  readonly name: string
  /** Differs when anything about it does. */
  readonly key: string
  open(): Promise<Sink>
}

export interface SinkSurroundings {
  readonly resolve: ResolveHost
  readonly userAgent: string
  /** Other event logs have the same sinks; the first of them greets web servers and puts files aside. */
  readonly isShared: boolean
  readonly isFirst: boolean
  /** Names this server to others. */
  readonly nodeName: string
  report(text: string): void
  readonly meter?: SinkMeter | undefined
}

/** Who counts what sinks do. */
export interface SinkMeter {
  /** `status`: undefined when there was no answer. */
  webhookAnswered(name: string, status: number | undefined): void
  redisAnswered(operation: string, isGood: boolean, seconds: number): void
}

export function planSinks(config: SinkConfig, surroundings: SinkSurroundings): PlannedSink[] {
  const { eventHydrant, redis } = config
  const plans = planWebhooks(config, surroundings)
  // An empty path switches it off.
  if (eventHydrant?.writeJlog && eventHydrant.jlogFilename !== '') {
    const wants = wantedBy(eventHydrant)
    const name = 'event_hydrant'
    const { jlogFilename: path, rotateBytes: maxBytes, rotateSeconds: maxAgeSeconds } = eventHydrant
    const rotation = { maxBytes, maxAgeSeconds, now: Date.now }
    const sharing = { isShared: surroundings.isShared, isFollower: !surroundings.isFirst }
    const file = { name, path, rotation, wants, ...sharing }
    plans.push(plan(name, eventHydrant, () => openEventFile(file)))
  }
  if (redis) {
    const stream = (): Promise<Sink> => Promise.resolve(makeRedisStream(redis, surroundings))
    plans.push(plan('redis', redis, stream))
  }
  return plans
}

/** One that is shared is sent by the first process of each server, from the stream. */
function planWebhooks(
  { webhooks, redis }: SinkConfig,
  surroundings: SinkSurroundings,
): PlannedSink[] {
  return webhooks.flatMap((webhook) => {
    const { consumerGroup: group } = webhook
    const name = `webhook ${webhook.name}`
    const make = (): Sink => makeWebhook(webhook, surroundings)
    if (group === undefined || !redis) {
      return plan(name, webhook, () => Promise.resolve(greeted(make(), surroundings)))
    }
    if (!surroundings.isFirst) return []
    const { resolve, report, nodeName: consumer } = surroundings
    const shared = { redis, group, consumer, resolve, report }
    return plan(sharedName(name, group), { webhook, redis }, () =>
      Promise.resolve(shareSink(make(), shared)),
    )
  })
}

/** One test batch is enough. */
function greeted({ greet, ...sink }: Sink, { isFirst }: SinkSurroundings): Sink {
  return isFirst && greet ? { ...sink, greet } : sink
}

function plan(name: string, options: object, open: () => Promise<Sink>): PlannedSink {
  const key = JSON.stringify(options, (_, value: unknown) =>
    value instanceof Set ? [...value] : value,
  )
  return { name, key: `${name} ${key}`, open }
}

/** Which option switches which event (manual page "modules.event_hydrant"). */
function wantedBy(options: EventHydrantOptions): (type: string) => boolean {
  const wanted: Readonly<Record<EventType, boolean>> = {
    injection: options.reception,
    delivery: options.delivery,
    delay: options.tempfail,
    bounce: options.inbandBounce,
    policy_rejection: options.rejection,
    open: options.open,
    initial_open: options.open,
    click: options.click,
    link_unsubscribe: options.click,
  }
  const types = new Set<string>(
    Object.entries(wanted).flatMap(([type, isOn]) => (isOn ? type : [])),
  )
  return (type) => types.has(type)
}
