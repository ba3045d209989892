// A drawing of ratios beside their peers: one bar each, on a scale of doublings, with a mark for the goal. SVG
// that follows the reader's light or dark colours.
import type { Result } from './result.ts'

const ROW = 22
const LEFT = 430
const WIDTH = 900
const DOUBLING = 60

export function drawing(results: readonly Result[]): string {
  const rows = results.filter(({ name, unit }) => unit === 'x' && name.includes(': over '))
  const height = rows.length * ROW + 40
  const bars = rows.map((row, i) => bar(row, 30 + i * ROW)).join('\n')
  const scale = [1, 2, 4, 8, 16, 32, 64].map((times) => {
    const x = place(times)
    return `<line class="scale" x1="${x}" x2="${x}" y1="20" y2="${height - 10}"/><text class="small" x="${x}" y="14" text-anchor="middle">${times}x</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Times as fast as other servers">
<style>
  text { font: 13px system-ui, sans-serif; fill: #222 }
  .small { font-size: 11px; fill: #666 }
  .scale { stroke: #ccc }
  .bar { fill: #2a6fbb }
  .missed { fill: #c2571a }
  .goal { stroke: #222; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd } .small { fill: #999 } .scale { stroke: #444 } .bar { fill: #5b9be0 } .goal { stroke: #eee }
  }
</style>
${scale.join('\n')}
${bars}
</svg>
`
}

function bar({ name, value, goal }: Result, y: number): string {
  const [from, to] = [place(1), place(value)].toSorted((a, b) => a - b) as [number, number]
  const isMissed = goal !== undefined && value < goal[1]
  const text = value >= 10 ? value.toFixed(0) : value.toFixed(1)
  const mark = goal
    ? `<line class="goal" x1="${place(goal[1])}" x2="${place(goal[1])}" y1="${y}" y2="${y + ROW - 6}"/>`
    : ''
  return `<text x="${LEFT - 70}" y="${y + 12}" text-anchor="end">${name}</text>
<rect class="bar${isMissed ? ' missed' : ''}" x="${from}" y="${y + 2}" width="${Math.max(to - from, 1)}" height="${ROW - 10}"/>
${mark}<text class="small" x="${to + 6}" y="${y + 12}">${text}x</text>`
}

/** On a scale of doublings, from a quarter to 128 times. */
function place(times: number): number {
  const doublings = Math.log2(Math.min(Math.max(times, 0.5), 100))
  return Math.round(LEFT + doublings * DOUBLING)
}
