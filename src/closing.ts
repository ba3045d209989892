// How what was opened is closed: all of it, whatever becomes of one, and within a grace.

/** All of them, whatever becomes of one; rejects with the first failure. */
export async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = []
  for (const close of closers) await close().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}

/** Together: the grace is one for all of it. Events and traces last, when there can be no more. */
export async function closeInTime(
  grace: number,
  first: readonly Closable[],
  last: readonly Closable[],
): Promise<void> {
  const endsMs = performance.now() + grace
  const close = async (all: readonly Closable[], ms: number): Promise<void> =>
    void (await Promise.all(all.map((each) => each.close(ms))))
  try {
    await close(first, grace)
  } finally {
    await close(last, Math.max(0, endsMs - performance.now()))
  }
}

interface Closable {
  close(graceMs: number): Promise<void>
}
