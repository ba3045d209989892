// A session's place among all: the options of its client's address, its share of their budget, its count
// among those connected. XREMOTEIP and XCLIENT move it to another address.
import type { Census } from './observing/census.ts'
import type { ListenerOptions, SmtpEndpoint } from './config/config.ts'
import type { SessionBudget } from './config/reception.ts'
import type { Tally } from './fleet/tally.ts'

export interface Seat {
  options(): ListenerOptions
  /** False, and nothing has changed, when there is no room under the budget of that address. */
  move(address: string): boolean
  leave(): void
}

/** Sessions by the counter of their budget. */
export type Budgets = Tally

/** Undefined when there is no room. */
export function takeSeat(
  budgets: Budgets,
  census: Census,
  endpoint: SmtpEndpoint,
  address: string,
): Seat | undefined {
  const listener = listenerKey(endpoint)
  const sit = (at: string): { options: ListenerOptions; leave: () => void } | undefined => {
    const options = endpoint.options(at)
    const leave = enterAll(budgets, options.sessionBudgets)
    if (!leave) return undefined
    const goodbye = census.enter(listener, at)
    return {
      options,
      leave() {
        leave()
        goodbye()
      },
    }
  }
  let place = sit(address)
  if (!place) return undefined
  return {
    options: () => place!.options,
    move(next) {
      const other = sit(next)
      if (!other) return false
      place?.leave()
      place = other
      return true
    },
    leave: () => place?.leave(),
  }
}

/** Names a listener in the census. */
export function listenerKey({ address }: SmtpEndpoint): string {
  const { host, port } = address
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** A place under each budget, or under none. */
function enterAll(budgets: Budgets, all: readonly SessionBudget[]): (() => void) | undefined {
  const entered: (() => void)[] = []
  const leave = (): void => entered.forEach((goodbye) => goodbye())
  for (const budget of all) {
    const goodbye = enter(budgets, budget)
    if (!goodbye) {
      leave()
      return undefined
    }
    entered.push(goodbye)
  }
  return leave
}

/** A place under the budget, as the function that gives it back; undefined when there is none left. */
function enter(budgets: Budgets, { counter, limit }: SessionBudget): (() => void) | undefined {
  if (budgets.count(counter) >= limit) return undefined
  budgets.add(counter, 1)
  return () => budgets.add(counter, -1)
}
