// `eachrcpt serve`: the server until a signal ends it. SIGTERM and SIGINT drain, SIGHUP reloads
// configuration and policy and reopens logs, SIGUSR2 reopens logs only. What goes wrong at start is said
// on stderr as `FILE:LINE: …`; a broken configuration exits with 78, a taken address or spool with 69.
import { hostname } from 'node:os'
import { ConfigError } from '../config/error.ts'
import { loadConfig, type Loaded, parseConfig } from '../config/load.ts'
import { errorText } from '../events/lines.ts'
import { PolicyError } from '../policy/policy.ts'
import { openServer, type Server } from '../server.ts'
import { EMBEDDED } from './embedded.ts'
import { BUNDLED_FOLDERS } from './folders.ts'
import { type Control, openControl } from '../control.ts'
import { readServeArguments, type ServeArguments } from './servearguments.ts'
import { readyLine, startText } from './start.ts'
import { openSupervisor, type Supervisor } from './systemd.ts'

const EXIT_USAGE = 2
const EXIT_UNAVAILABLE = 69
const EXIT_CONFIG = 78

export async function serve(args: readonly string[]): Promise<number> {
  const options = readServeArguments(args)
  if (typeof options === 'string') return fail(options, EXIT_USAGE)
  const load = (): Loaded => loadFrom(options)
  // Who reads our output may go away; that is no reason to stop.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  try {
    // A reload that is asked for too early must not end the process, as SIGHUP does by default.
    process.on('SIGHUP', () => {})
    if (load().config.workers > 1) return fail('workers: more than 1 is not there yet', EXIT_CONFIG)
    const warn = (text: string): void => void process.stderr.write(`${text}\n`)
    const { trace } = options
    const server = await openServer({ load, warn, trace, environment: process.env })
    const control = await openControl(server)
    const { env: environment, pid } = process
    const supervisor = openSupervisor({ environment, pid, notReady: server.notReady, warn })
    const stopped = untilSignal(server, control, supervisor)
    // A bug of ours must show, but one session's must not end all the others.
    process.on('unhandledRejection', (reason) => {
      process.stderr.write(`bug: unhandled rejection: ${errorText(reason)}\n`)
    })
    process.stdout.write(startText(server, options.file))
    supervisor.ready(readyLine(server))
    return await stopped
  } catch (error) {
    if (error instanceof ConfigError || error instanceof PolicyError) {
      return fail(error.message, EXIT_CONFIG)
    }
    return fail(error instanceof Error ? error.message : String(error), EXIT_UNAVAILABLE)
  }
}

function loadFrom({ file, lenient }: ServeArguments): Loaded {
  const options = { lenient, defaultHostname: hostname(), searchPath: BUNDLED_FOLDERS }
  if (file !== undefined) return loadConfig(file, options)
  return parseConfig(EMBEDDED, 'embedded default', { ...options, folder: process.cwd() })
}

/** Serves until it is told to stop; a second signal while it drains ends the process at once. */
function untilSignal(server: Server, control: Control, supervisor: Supervisor): Promise<number> {
  return new Promise((resolve) => {
    const stop = (): void => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.removeAllListeners(signal)
        process.once(signal, () => process.exit(1))
      }
      supervisor.stopping()
      Promise.all([control.close(), server.close()]).then(
        () => resolve(0),
        (error: unknown) => resolve(fail(`shutdown: ${String(error)}`, 1)),
      )
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    process.on('SIGHUP', () => {
      supervisor.reloading()
      void server.reload().then((isDone) => {
        const failure = isDone ? '' : 'the last reload failed, paniclog says why; '
        supervisor.ready(failure + readyLine(server))
      })
    })
    process.on('SIGUSR2', () => void server.reopenLogs())
  })
}

function fail(text: string, code: number): number {
  process.stderr.write(`${text}\n`)
  return code
}
