// What systemd is told of us (sd_notify(3), systemd.service(5) "Type=notify", "WatchdogSec="). Node has no
// datagram sockets of the Unix kind, so systemd's own program speaks; the unit needs NotifyAccess=all.
// Started by anything else, all of this does nothing.
import { spawn } from 'node:child_process'

export interface Supervisor {
  /** Up, or up again after a reload. `status` is what `systemctl status` shows. */
  ready(status: string): void
  reloading(): void
  /** No more signs of life: from now on the time to stop counts. */
  stopping(): void
}

export interface SupervisorOptions {
  readonly environment: NodeJS.ProcessEnv
  readonly pid: number
  /** Why no mail can be taken now; undefined: it can. Shown as the status while it lasts. */
  notReady(): string | undefined
  /** What it cannot be told. */
  warn(text: string): void
}

const PROGRAM = 'systemd-notify'

/** The watchdog's sign of life comes from the event loop: who is stuck gives none, and is restarted. */
export function openSupervisor(options: SupervisorOptions): Supervisor {
  const { environment, notReady, warn } = options
  if (!environment['NOTIFY_SOCKET']) return NOBODY
  let status = ''
  let reason: string | undefined
  const tell = (...words: readonly string[]): void => {
    const child = spawn(PROGRAM, words, { env: environment, stdio: 'ignore' })
    child.on('error', (error) => warn(`${PROGRAM}: ${error.message}`))
  }
  const beat = (): void => {
    const next = notReady()
    const changed = next === reason ? [] : [`STATUS=${next ? `not ready: ${next}` : status}`]
    reason = next
    tell('WATCHDOG=1', ...changed)
  }
  const everyMs = watchdogMs(options)
  const timer = everyMs === undefined ? undefined : setInterval(beat, everyMs / 2)
  return {
    ready(text) {
      status = text
      tell('READY=1', `STATUS=${text}`)
    },
    reloading: () => tell('RELOADING=1', 'STATUS=reloading'),
    stopping() {
      clearInterval(timer)
      tell('STOPPING=1', 'STATUS=stopping')
    },
  }
}

/** Between two signs of life at most; undefined: none are waited for, or not ours. */
function watchdogMs({ environment, pid }: SupervisorOptions): number | undefined {
  const micros = Number(environment['WATCHDOG_USEC'])
  const forPid = environment['WATCHDOG_PID']
  if (!(micros > 0) || (forPid !== undefined && Number(forPid) !== pid)) return undefined
  return micros / 1000
}

const NOBODY: Supervisor = { ready() {}, reloading() {}, stopping() {} }
