// Several event logs as one: what happens now goes to the first; the sinks take what is left in the others,
// which belonged to workers that are there no more.
import type { Events } from './events.ts'

export function joinEvents(own: Events, others: readonly Events[]): Events {
  if (others.length === 0) return own
  const all = [own, ...others]
  return {
    wants: (type) => own.wants(type),
    append: (event) => own.append(event),
    accepted: (messageId) => own.accepted?.(messageId),
    tail: (maxBytes) => own.tail(maxBytes),
    backlog: () => all.flatMap((events) => events.backlog()),
    async prepare(config) {
      const ready: Awaited<ReturnType<Events['prepare']>>[] = []
      const drop = async (): Promise<void> => {
        await Promise.all(ready.map((each) => each.drop()))
      }
      try {
        for (const events of all) ready.push(await events.prepare(config))
      } catch (error) {
        await drop()
        throw error
      }
      return { adopt: (graceMs) => ready.forEach((each) => each.adopt(graceMs)), drop }
    },
    reopen: async () => void (await Promise.all(all.map((events) => events.reopen()))),
    flush: async () => void (await Promise.all(all.map((events) => events.flush()))),
    close: async (graceMs) => void (await Promise.all(all.map((events) => events.close(graceMs)))),
  }
}
