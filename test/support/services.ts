// What a policy lends to its bindings, where there is no policy.
import { makeSharedState } from '../../src/msys/shared/embedded.ts'
import { NO_BINDINGS } from '../../src/config/bindings.ts'
import { NO_LIVE } from '../../src/config/live.ts'
import type { Services } from '../../src/msys/runtime.ts'
import { closedOutside } from '../../src/outside/closed.ts'

export const NO_SERVICES: Services = {
  registerModule: () => {},
  registerAuth: () => {},
  registerControl: () => {},
  registerEndpoint: () => {},
  readFile: () => ({ kind: 'failed', text: 'no files here' }),
  callSite: () => undefined,
  standing: () => undefined,
  bindings: NO_BINDINGS,
  shared: makeSharedState(() => 0),
  options: NO_LIVE,
  signing: undefined,
  nowMs: () => 0,
  outside: closedOutside(),
  cidrTables: new Map(),
  datasources: { names: [], named: () => undefined, close: () => Promise.resolve() },
  background: { after: () => () => {}, run: () => Promise.resolve(), afterCall: () => {} },
  locks: { take: () => 1, wait: () => Promise.resolve(1), give: () => undefined },
  panic: () => {},
}
