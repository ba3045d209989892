// A snapshot as Prometheus reads it: text format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). Families without series are left out.
import type { FamilySnapshot, Series, Snapshot } from './snapshot.ts'

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export function expositionOf({ families }: Snapshot): string {
  return families
    .filter(({ series }) => series.length > 0)
    .map(familyText)
    .join('')
}

function familyText(family: FamilySnapshot): string {
  const { name, type, help, series } = family
  const head = `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`
  return head + series.map((each) => seriesText(family, each)).join('')
}

function seriesText({ name, labels }: FamilySnapshot, series: Series): string {
  const pairs = labels.map((label, i) => `${label}="${escaped(series.labels[i] ?? '')}"`)
  const { bounds, counts, value } = series
  if (!bounds || !counts) return line(name, pairs, value)
  let total = 0
  const buckets = counts.map((count, i) => {
    total += count
    const bound = i < bounds.length ? numberText(bounds[i] as number) : '+Inf'
    return line(`${name}_bucket`, [...pairs, `le="${bound}"`], total)
  })
  return buckets.join('') + line(`${name}_sum`, pairs, value) + line(`${name}_count`, pairs, total)
}

function line(name: string, pairs: readonly string[], value: number): string {
  const labels = pairs.length > 0 ? `{${pairs.join(',')}}` : ''
  return `${name}${labels} ${numberText(value)}\n`
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
