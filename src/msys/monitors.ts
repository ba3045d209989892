// The monitors of inbound_audit: what comes in, counted by client address in windows. Each is a series of the
// shared state for each family of addresses.
import { readAddress } from '../config/cidr.ts'
import { addressKey } from './shared/series.ts'
import type { Reach, SharedState } from './shared/state.ts'

export type Monitored = 'connections' | 'receptions' | 'rejections'

const KINDS: readonly Monitored[] = ['connections', 'receptions', 'rejections']
const FAMILIES = [4, 6] as const

export interface MonitorShape {
  readonly windowSeconds: number
  readonly windows: number
}

/** Series of policy cannot have such a name by accident. */
export function monitorSeries(kind: Monitored, monitor: string, family: 4 | 6, reach: Reach) {
  return `\0inbound_audit ${kind} ${monitor} ${family} ${reach}`
}

export function monitorName({ windowSeconds, windows }: MonitorShape): string {
  return `${windowSeconds},${windows}`
}

/** Counts in all monitors. `reaches`: `cluster` too where nodes share. */
export function makeMonitors(
  shared: SharedState,
  monitors: readonly MonitorShape[],
  reaches: readonly Reach[],
  nowMs: () => number,
): (kind: Monitored, address: string) => void {
  for (const { windowSeconds, windows } of monitors) {
    const name = monitorName({ windowSeconds, windows })
    for (const kind of KINDS) {
      for (const family of FAMILIES) {
        for (const reach of reaches) {
          const keys = family === 4 ? 'ipv4' : 'ipv6'
          const shape = { keys, windowSeconds, windows, reach, isPersistent: false } as const
          shared.defineSeries(monitorSeries(kind, name, family, reach), shape)
        }
      }
    }
  }
  const names = monitors.map(monitorName)
  return (kind, text) => {
    const address = names.length > 0 ? readAddress(text) : undefined
    if (!address) return
    const key = addressKey(address)
    const atMs = nowMs()
    for (const name of names) {
      for (const reach of reaches) {
        const series = monitorSeries(kind, name, address.family, reach)
        shared.apply({ kind: 'series add', series, key, count: 1, atMs })
      }
    }
  }
}
