// Console commands about what inbound_audit and policy count in windows (Momentum manual, "modules.inbound_audit").
import { numberOf, refusal, said, usage } from './answers.ts'
import { addressText, readAddress, readCidr } from '../config/cidr.ts'
import type { Answer } from '../http/control.ts'
import { fromText } from '../mail/bytes.ts'
import { monitorSeries, type Monitored } from '../msys/monitors.ts'
import { addressKey } from '../msys/shared/series.ts'
import type { Change, SeriesKey, SharedState } from '../msys/shared/state.ts'

const SHOW = 'inbound_audit show all; inbound_audit show ip IP[/MASK]'
const COUNT = 'inbound_audit count_cidr IP[/MASK] SERIES SECONDS,WINDOWS FROM TO'
const CHANGE =
  'inbound_audit add|subtract SERIES SECONDS,WINDOWS IP N; inbound_audit delete_ip IP SERIES SECONDS,WINDOWS'

export const AUDIT_HELP = [SHOW, COUNT, CHANGE]

const MONITORED: readonly Monitored[] = ['connections', 'receptions', 'rejections']

export function auditCommand(
  state: SharedState,
  monitors: readonly string[],
  words: readonly string[],
  atMs: number,
): Answer {
  const [verb, a = '', b = '', c = '', d = '', e = ''] = words
  if (verb === 'show' && a === 'all') return showAll(state, monitors)
  if (verb === 'show' && a === 'ip') return showBlock(state, monitors, b)
  if (verb === 'count_cidr')
    return countBlock(state, a, seriesOf(state, b, c), numberOf(d), numberOf(e))
  if (verb === 'delete_ip') {
    return changeSeries(state, seriesOf(state, b, c), a, (series, key) => ({
      kind: 'series remove',
      series,
      key,
    }))
  }
  const count = numberOf(d)
  if ((verb === 'add' || verb === 'subtract') && count !== undefined) {
    const sign = verb === 'add' ? 1 : -1
    return changeSeries(state, seriesOf(state, a, b), c, (series, key) => ({
      kind: 'series add',
      series,
      key,
      count: sign * count,
      atMs,
    }))
  }
  return usage(...AUDIT_HELP)
}

interface Series {
  readonly name: string
  readonly keys: 'string' | 'ipv4' | 'ipv6'
  readonly windows: number
}

/** What is wrong, when there is no such series. */
function seriesOf(state: SharedState, text: string, parameters: string): Series | string {
  const name = fromText(text)
  const shape = state.series(name)
  if (!shape) return `there is no series ${text}`
  const own = `${shape.windowSeconds},${shape.windows}`
  if (parameters !== own) return `series ${text} has the parameters ${own}`
  return { name, keys: shape.keys, windows: shape.windows }
}

function countBlock(
  state: SharedState,
  text: string,
  series: Series | string,
  from: number | undefined,
  to: number | undefined,
): Answer {
  if (typeof series === 'string') return refusal(series)
  const key: SeriesKey | undefined = series.keys === 'string' ? fromText(text) : readCidr(text)
  if (key === undefined || from === undefined || to === undefined) return usage(COUNT)
  const count = state.seriesSum(series.name, key, Math.min(from, to), Math.max(from, to))
  return said(String(count), { total: count })
}

function changeSeries(
  state: SharedState,
  series: Series | string,
  text: string,
  changeFor: (series: string, key: string) => Change,
): Answer {
  if (typeof series === 'string') return refusal(series)
  const address = series.keys === 'string' ? undefined : readAddress(text)
  if (series.keys !== 'string' && !address) return refusal(`${text} is no address`)
  const key = address ? addressKey(address) : fromText(text)
  if (!state.apply(changeFor(series.name, key))) return refusal('there is no room for it')
  const whole: SeriesKey = address ?? key
  const total = state.seriesSum(series.name, whole, 0, series.windows - 1)
  return said(`${text} = ${total}`, { total })
}

function showBlock(state: SharedState, monitors: readonly string[], text: string): Answer {
  const block = readCidr(text)
  if (!block) return usage(SHOW)
  const rows = MONITORED.flatMap((kind) =>
    monitors.flatMap((monitor) => {
      const series = monitorSeries(kind, monitor, block.family, 'node')
      const { windowSeconds = 0, windows = 0 } = state.series(series) ?? {}
      return Array.from({ length: windows }, (_, window) => ({
        kind,
        seconds: windowSeconds,
        window,
        count: state.seriesSum(series, block, window, window),
      }))
    }),
  )
  const lines = rows.map(
    ({ kind, seconds, window, count }) =>
      `${kind[0]?.toUpperCase()}${kind.slice(1)} ${seconds}/${window}: ${count}`,
  )
  return said(lines.join('\n'), rows)
}

/** Every address that a monitor has counted, with what it has counted of it in all its windows. */
function showAll(state: SharedState, monitors: readonly string[]): Answer {
  const rows = new Map<string, { address: string; monitor: string } & Record<Monitored, number>>()
  for (const change of state.contents()) {
    if (change.kind !== 'series add') continue
    const [, kind, monitor = '', family, reach] =
      /^\0inbound_audit (\w+) (\S+) (\d) (\w+)$/.exec(change.series) ?? []
    const known = MONITORED.find((one) => one === kind)
    if (!known || reach !== 'node' || !monitors.includes(monitor)) continue
    const address = addressText({ family: family === '4' ? 4 : 6, bits: BigInt(`0x${change.key}`) })
    const row = rows.get(`${address} ${monitor}`) ?? {
      address,
      monitor,
      connections: 0,
      receptions: 0,
      rejections: 0,
    }
    row[known] += change.count
    rows.set(`${address} ${monitor}`, row)
  }
  const all = [...rows.values()].sort((x, y) => (x.address < y.address ? -1 : 1))
  const head = 'address,monitor,connections,receptions,rejections'
  const lines = all.map(
    ({ address, monitor, connections, receptions, rejections }) =>
      `${address},"${monitor}",${connections},${receptions},${rejections}`,
  )
  return said([head, ...lines].join('\n'), all)
}
