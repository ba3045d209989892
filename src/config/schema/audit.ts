// Options of inbound_audit (Momentum manual, "modules.inbound_audit").
import { type Type, itemsOf, PATH, POSITIVE, readStrings } from '../value.ts'
import { option, optional } from './option.ts'

/** Counts of what comes in, in so many windows of so many seconds. */
export interface Monitor {
  readonly windowSeconds: number
  readonly windows: number
}

const MONITORS: Type<readonly Monitor[]> = {
  expected: 'a list of monitors such as "300,6", seconds and windows, of at most 10000 windows',
  culprit: (value) => itemsOf(value)?.find(({ text }) => !readMonitor(text)),
  read(value) {
    const monitors = readStrings(value)?.map(readMonitor)
    return monitors?.every((monitor) => monitor !== undefined) ? monitors : undefined
  },
}

const SCOPE = ['inbound_audit']

export const INBOUND_AUDIT = {
  monitors: option('monitors', MONITORS, [], SCOPE),
  /** Where persistent series are kept; a folder beside the spool unless given. */
  serializeDir: optional('serialize_dir', PATH, SCOPE),
  /** How often they are written. */
  maintenanceSeconds: option('maintenance_interval', POSITIVE, 300, SCOPE),
}

function readMonitor(text: string): Monitor | undefined {
  const [, seconds, windows] = /^\s*(\d{1,9})\s*,\s*(\d{1,5})\s*$/.exec(text) ?? []
  const monitor = { windowSeconds: Number(seconds), windows: Number(windows) }
  const isRight = monitor.windowSeconds > 0 && monitor.windows > 0 && monitor.windows <= 10_000
  return isRight ? monitor : undefined
}
