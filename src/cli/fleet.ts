// `eachrcpt serve` with `workers = N`: the primary forks N processes by node:cluster, which share its ports,
// and supervises them; each of them runs the same command line.
import { randomUUID } from 'node:crypto'
import cluster, { type Worker } from 'node:cluster'
import type { Loaded } from '../config/load.ts'
import type { Child } from '../fleet/primary.ts'
import type { FromWorker, ToWorker } from '../fleet/message.ts'
import { runFleetCommand } from '../workers/console.ts'
import { type FleetServer, openFleetServer } from '../workers/server.ts'
import { type FleetWorkerOptions, openFleetWorker } from '../workers/worker.ts'
import { openFleetControl } from '../workers/control.ts'
import type { WorkerStatus } from '../workers/request.ts'
import type { Place } from '../place.ts'
import { type Handover, makeHandover } from './handover.ts'
import { youngOptions } from './heap.ts'
import { untilSignal } from './signals.ts'
import { openSupervisor } from './systemd.ts'

const SLOT = 'EACHRCPT_SLOT'
const WORKERS = 'EACHRCPT_WORKERS'
/** Names the node to others. */
const NODE = 'EACHRCPT_NODE'

/** Undefined: this process is no worker. */
export function placeOfWorker(): Place | undefined {
  if (!cluster.isWorker) return undefined
  return { slot: Number(process.env[SLOT]), workers: Number(process.env[WORKERS]) }
}

/** Resolves with the exit code when a signal, or the console, has ended all of them. */
export async function servePrimary(
  load: () => Loaded,
  workers: number,
  warn: (text: string) => void,
  started: (server: FleetServer) => string,
): Promise<number> {
  const node = randomUUID()
  const told = [...process.execArgv, ...(process.env['NODE_OPTIONS']?.split(' ') ?? [])]
  cluster.setupPrimary({ execArgv: [...process.execArgv, ...youngOptions(told)] })
  const handover = makeHandover(warn)
  const fork = (slot: number): Child => {
    const environment = { [SLOT]: String(slot), [WORKERS]: String(workers), [NODE]: node }
    return childOf(cluster.fork(environment), handover)
  }
  const server = await openFleetServer({ load, warn, fork })
  const { env: environment, pid } = process
  const shutdown = (): void => void process.kill(pid, 'SIGTERM')
  const control = await openFleetControl(server, (argv) =>
    runFleetCommand({ server, shutdown }, argv),
  )
  const supervisor = openSupervisor({ environment, pid, notReady: () => server.notReady(), warn })
  const stopped = untilSignal(server, control, supervisor)
  supervisor.ready(started(server))
  return stopped
}

export interface WorkerArguments extends Pick<FleetWorkerOptions, 'load' | 'trace'> {
  readonly place: Place
}

/** Never resolves: the process ends when its primary says so, or is gone. */
export async function serveWorker({ load, place, trace }: WorkerArguments): Promise<never> {
  // Signals go to the primary; those that a terminal or a supervisor sends to all of us mean the same.
  let close = (): void => process.exit(0)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => close())
  for (const signal of ['SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => {})
  const worker = await openFleetWorker({
    // The primary has told what there is to warn of.
    load: (kept) => ({ ...load(kept), warnings: [] }),
    warn: (text) => void process.stderr.write(`${text}\n`),
    place,
    trace,
    environment: process.env,
    node: process.env[NODE] ?? '',
    channel: {
      send: (message) => void process.send?.(message, undefined, undefined, () => {}),
      onMessage: (listener) =>
        void process.on('message', (message) => listener(message as ToWorker)),
    },
    end: (code) => process.exit(code),
  })
  close = () => worker.close()
  return new Promise(() => {})
}

function childOf(worker: Worker, handover: Handover): Child {
  handover.join(worker)
  return {
    pid: worker.process.pid,
    // It may be gone: its exit says so.
    send: (message) => void worker.process.send(message, undefined, undefined, () => {}),
    kill: (signal) => void worker.process.kill(signal),
    onMessage: (listener) =>
      void worker.on('message', (message: FromWorker) => {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a worker of the same version
        if (message.kind === 'alive') handover.heard(worker, (message.status as WorkerStatus).loads)
        listener(message)
      }),
    onExit: (listener) => void worker.on('exit', listener),
  }
}
