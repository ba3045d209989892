// Several spools as one: what is new goes to the first, everything about a stored entry to the spool that it
// stands in. So the spools of workers that are there no more are emptied by those that are.
import type { Spool } from './spool.ts'
import type { Stored } from './stored.ts'

export function joinSpools(own: Spool, others: readonly Spool[]): Spool {
  if (others.length === 0) return own
  const all = [own, ...others]
  const homes = new WeakMap<Stored, Spool>()
  for (const spool of others) for (const stored of spool.recovered) homes.set(stored, spool)
  const homeOf = (stored: Stored): Spool => homes.get(stored) ?? own
  return {
    recovered: oldestFirst(all.flatMap(({ recovered }) => recovered)),
    told: all.flatMap(({ told }) => told),
    backlog() {
      const backlogs = all.map((spool) => spool.backlog())
      const ages = backlogs.flatMap(({ oldestMs }) => oldestMs ?? [])
      return {
        messages: backlogs.reduce((sum, { messages }) => sum + messages, 0),
        oldestMs: ages.length > 0 ? Math.min(...ages) : undefined,
      }
    },
    *unfinished() {
      for (const spool of all) yield* spool.unfinished()
    },
    get failure() {
      return all.find(({ failure }) => failure)?.failure
    },
    append: (entry, data) => own.append(entry, data),
    entry: (stored) => homeOf(stored).entry(stored),
    read: (stored) => homeOf(stored).read(stored),
    finish: (stored, ...rest) => homeOf(stored).finish(stored, ...rest),
    async replace(stored, copies, product, events) {
      const home = homeOf(stored)
      const next = await home.replace(stored, copies, product, events)
      if (home !== own) homes.set(next, home)
      return next
    },
    reroute: (stored, ...rest) => homeOf(stored).reroute(stored, ...rest),
    change: (stored, copy, context) => homeOf(stored).change(stored, copy, context),
    defer: (stored, copy, deferral) => homeOf(stored).defer(stored, copy, deferral),
    async relieve() {
      const relieved = await Promise.all(all.map((spool) => spool.relieve()))
      return relieved.includes(true)
    },
    flush: async () => void (await Promise.all(all.map((spool) => spool.flush()))),
    close: async () => void (await Promise.all(all.map((spool) => spool.close()))),
  }
}

function oldestFirst(entries: readonly Stored[]): Stored[] {
  return entries.toSorted((a, b) => a.receivedMs - b.receivedMs)
}
