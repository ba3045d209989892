// What signals mean to a server, or to the primary of several workers.
import type { Control } from '../console/control.ts'
import { readyLine, type Started } from './start.ts'
import type { Supervisor } from './systemd.ts'

export interface Serving extends Started {
  reload(): Promise<boolean>
  reopenLogs(): Promise<void>
  close(): Promise<void>
  /** Ends what would outlive this process. */
  kill?(): void
}

let isReloadWanted = false

/** Asked for too early, a reload must neither end the process, as SIGHUP does by default, nor be forgotten. */
export function holdReload(): void {
  process.on('SIGHUP', want)
}

function want(): void {
  isReloadWanted = true
}

/** Serves until it is told to stop; a second signal while it drains ends the process at once. */
export function untilSignal(
  server: Serving,
  control: Control,
  supervisor: Supervisor,
): Promise<number> {
  return new Promise((resolve) => {
    const stop = (): void => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.removeAllListeners(signal)
        process.once(signal, () => {
          server.kill?.()
          process.exit(1)
        })
      }
      supervisor.stopping()
      Promise.all([control.close(), server.close()]).then(
        () => resolve(0),
        (error: unknown) => {
          process.stderr.write(`shutdown: ${String(error)}\n`)
          resolve(1)
        },
      )
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    const reload = (): void => {
      supervisor.reloading()
      void server.reload().then((isDone) => {
        const failure = isDone ? '' : 'the last reload failed, paniclog says why; '
        supervisor.ready(failure + readyLine(server))
      })
    }
    process.on('SIGHUP', reload)
    process.off('SIGHUP', want)
    // Once who called us has said that we are ready.
    if (isReloadWanted) setImmediate(reload)
    process.on('SIGUSR2', () => void server.reopenLogs())
  })
}
