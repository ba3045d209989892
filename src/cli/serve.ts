// `eachrcpt serve`: the server until a signal ends it. SIGTERM and SIGINT drain, SIGHUP reloads
// configuration and policy and reopens logs, SIGUSR2 reopens logs only. What goes wrong at start is said
// on stderr as `FILE:LINE: …`; a broken configuration exits with 78, a taken address or spool with 69.
import { hostname } from 'node:os'
import { ConfigError } from '../config/error.ts'
import type { KeptFiles } from '../config/include.ts'
import { loadConfig, type Loaded, parseConfig } from '../config/load.ts'
import { errorText } from '../events/lines.ts'
import { PolicyError } from '../policy/policy.ts'
import { openServer } from '../server.ts'
import { EMBEDDED } from './embedded.ts'
import { BUNDLED_FOLDERS } from './folders.ts'
import { openControl } from '../console/control.ts'
import { StartError } from '../fleet/primary.ts'
import { placeOfWorker, servePrimary, serveWorker } from './fleet.ts'
import { tuneHeap } from './heap.ts'
import { readServeArguments, type ServeArguments } from './servearguments.ts'
import { holdReload, untilSignal } from './signals.ts'
import { readyLine, type Started, startText } from './start.ts'
import { openSupervisor } from './systemd.ts'

const EXIT_USAGE = 2
const EXIT_UNAVAILABLE = 69
const EXIT_CONFIG = 78

export async function serve(args: readonly string[]): Promise<number> {
  const code = await run(args)
  // Its channel to the primary would keep a worker alive.
  if (placeOfWorker()) process.exit(code)
  return code
}

async function run(args: readonly string[]): Promise<number> {
  const options = readServeArguments(args)
  if (typeof options === 'string') return fail(options, EXIT_USAGE)
  tuneHeap()
  const load = (kept?: KeptFiles): Loaded => loadFrom(options, kept)
  // Who reads our output may go away; that is no reason to stop.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  try {
    holdReload()
    const place = placeOfWorker()
    if (place) return await serveWorker({ load, place, trace: options.trace })
    const warn = (text: string): void => void process.stderr.write(`${text}\n`)
    const started = (server: Started): string => {
      process.stdout.write(startText(server, options.file))
      return readyLine(server)
    }
    const { workers } = load().config
    if (workers > 1) return await servePrimary(load, workers, warn, started)
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
    supervisor.ready(started(server))
    return await stopped
  } catch (error) {
    // It has said why itself.
    if (error instanceof StartError) return error.code
    if (error instanceof ConfigError || error instanceof PolicyError) {
      return fail(error.message, EXIT_CONFIG)
    }
    return fail(error instanceof Error ? error.message : String(error), EXIT_UNAVAILABLE)
  }
}

function loadFrom({ file, lenient }: ServeArguments, kept?: KeptFiles): Loaded {
  const options = { lenient, defaultHostname: hostname(), searchPath: BUNDLED_FOLDERS, kept }
  if (file !== undefined) return loadConfig(file, options)
  return parseConfig(EMBEDDED, 'embedded default', { ...options, folder: process.cwd() })
}

function fail(text: string, code: number): number {
  process.stderr.write(`${text}\n`)
  return code
}
