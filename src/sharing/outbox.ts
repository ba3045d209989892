// Gathers what is to be told to others for a moment, so that a thousand changes are one message.

export interface Outbox<T> {
  put(item: T): void
  /** Tells what is there, now. */
  flush(): void
  /** Nothing goes out before the function that comes back is called. */
  hold(): () => void
}

/** `most`: of those that wait while nobody can be told; the oldest are dropped. */
export function makeOutbox<T>(options: {
  readonly gatherMs: number
  readonly most: number
  tell(items: readonly T[]): void
}): Outbox<T> {
  let items: T[] = []
  let timer: NodeJS.Timeout | undefined
  let isHeld = false
  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (isHeld || items.length === 0) return
    const taken = items
    items = []
    options.tell(taken)
  }
  return {
    put(item) {
      items.push(item)
      if (items.length > options.most * 2) items = items.slice(-options.most)
      if (!isHeld) timer ??= setTimeout(flush, options.gatherMs)
    },
    flush,
    hold() {
      isHeld = true
      return () => {
        isHeld = false
        flush()
      }
    },
  }
}
