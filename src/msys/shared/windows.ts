// Sums in sliding windows of equal length: a ring. Windows are numbered since the epoch.

export interface Windows {
  /** The newest window that is in the ring. */
  newest: number
  readonly sums: Float64Array
}

export function emptyWindows(count: number, newest: number): Windows {
  return { newest, sums: new Float64Array(count) }
}

/** Counts in a window; one that is too old for the ring is left out. */
export function addTo(windows: Windows, window: number, count: number): void {
  const { sums } = windows
  const passed = Math.min(window - windows.newest, sums.length)
  for (let i = 0; i < passed; i++) sums[slot(sums, window - i)] = 0
  windows.newest = Math.max(windows.newest, window)
  if (window > windows.newest - sums.length) sums[slot(sums, window)]! += count
}

/** The sum from a window back to an older one. */
export function sumOf({ newest, sums }: Windows, from: number, to: number): number {
  const last = Math.max(to, newest - sums.length + 1)
  let sum = 0
  for (let window = Math.min(from, newest); window >= last; window--) {
    sum += sums[slot(sums, window)]!
  }
  return sum
}

/** The windows that have something, oldest first. */
export function* countedIn({ newest, sums }: Windows) {
  for (let window = newest - sums.length + 1; window <= newest; window++) {
    const count = sums[slot(sums, window)]!
    if (count !== 0) yield { window, count }
  }
}

/** Takes what was counted in `less` out of `windows`. */
export function subtract(windows: Windows, less: Windows): void {
  for (const { window, count } of countedIn(less)) {
    if (window > windows.newest - windows.sums.length) {
      windows.sums[slot(windows.sums, window)]! -= count
    }
  }
}

/** Whether all of it is older than the windows that end with `window`. */
export function isOver({ newest, sums }: Windows, window: number): boolean {
  return newest <= window - sums.length
}

function slot({ length }: Float64Array, window: number): number {
  return ((window % length) + length) % length
}
