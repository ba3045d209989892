// Work that nobody awaits one by one: failures are reported, and the end of all of it can be awaited.

export interface Tasks {
  run(task: () => Promise<void>): void
  /** Resolves when none is running. */
  idle(): Promise<void>
}

export function makeTasks(onError: (error: unknown) => void): Tasks {
  let running = 0
  const waiters: (() => void)[] = []
  const end = (): void => {
    running--
    if (running === 0) for (const resolve of waiters.splice(0)) resolve()
  }
  return {
    run(task) {
      running++
      void task().catch(onError).finally(end)
    },
    idle: () =>
      running === 0 ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve)),
  }
}
