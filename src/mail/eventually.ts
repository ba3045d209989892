// A value that may have to be waited for. Callouts, commands and replies are synchronous unless somebody
// suspends; a promise on that path would cost more than the work itself.

export type Eventually<T> = T | Promise<T>

/** What a timer of Node can wait; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/** Goes on with the value: at once when it is there, else when it arrives. */
export function andThen<T, U>(
  value: Eventually<T>,
  next: (value: T) => Eventually<U>,
): Eventually<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Runs `attempt`; what it throws or rejects with becomes the value of `recover`. */
export function orElse<T>(
  attempt: () => Eventually<T>,
  recover: (error: unknown) => T,
): Eventually<T> {
  try {
    const value = attempt()
    return value instanceof Promise ? value.catch(recover) : value
  } catch (error) {
    return recover(error)
  }
}

/** Runs `step` for each item in order until it gives a value; undefined when none does. */
export function firstOf<T, U>(
  items: readonly T[],
  step: (item: T) => Eventually<U | undefined>,
  from = 0,
): Eventually<U | undefined> {
  for (let i = from; i < items.length; i++) {
    const value = step(items[i] as T)
    if (value instanceof Promise) {
      return value.then((found) => (found === undefined ? firstOf(items, step, i + 1) : found))
    }
    if (value !== undefined) return value
  }
  return undefined
}
