// The console of several workers without processes: each answers by its function.
import { type FleetConsoleOptions, runFleetCommand } from '../../src/workers/console.ts'
import type { FleetRequest } from '../../src/workers/request.ts'
import type { Answer } from '../../src/http/control.ts'

type Ask = (argv: readonly string[]) => Promise<Answer | undefined>

export function askWorkers(workers: readonly Ask[], line: string): Promise<Answer> {
  const none = (): never => {
    throw new Error('not asked for')
  }
  const server: FleetConsoleOptions['server'] = {
    workers: [],
    askAll: (request: FleetRequest) =>
      Promise.all(workers.map((ask) => ask('argv' in request ? request.argv : []))),
    askInTurn: none,
    askOne: none,
    reload: none,
    reopenLogs: none,
    standing: { note: () => {} },
  }
  return runFleetCommand({ server, shutdown: none }, line.split(' '))
}
