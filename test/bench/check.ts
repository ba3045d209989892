// `eachrcpt check` over 500 scripts, start of the process included, beside lua5.1 that only parses them.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = new URL('../../../../', import.meta.url).pathname
const MAIN = join(ROOT, 'build/cli/main.js')
const FILES = 500

const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-bench-'))
const parts = ['policy/preferences.lua', 'examples/newsletter.lua'].map((file) =>
  readFileSync(join(ROOT, file), 'utf8'),
)
let octets = 0
for (let at = 0; at < FILES; at++) {
  const below = join(folder, `team${at % 20}`)
  mkdirSync(below, { recursive: true })
  // Three times over, in functions of their own: scripts of real policy are longer than examples.
  const text = [0, 1, 2].map((n) => `do\n${parts[(at + n) % 2] ?? ''}\nend`).join('\n')
  octets += text.length
  writeFileSync(join(below, `script${at}.lua`), text)
}

const check = seconds(process.execPath, [MAIN, 'check', folder])
const files = Array.from({ length: FILES }, (_, at) =>
  join(folder, `team${at % 20}`, `script${at}.lua`),
)
const parse = 'for i = 1, #arg do assert(loadfile(arg[i])) end'
writeFileSync(join(folder, 'parse'), parse)
const peer = seconds('lua5.1', [join(folder, 'parse'), ...files])
rmSync(folder, { recursive: true })

console.log(`${FILES} scripts, ${Math.round(octets / 1024)} KiB: check ${check.toFixed(2)} s`)
console.log(`beside lua5.1 loading them: ${peer.toFixed(3)} s, ratio ${(check / peer).toFixed(0)}`)

function seconds(program: string, args: readonly string[]): number {
  const start = process.hrtime.bigint()
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (status !== 0) throw new Error(`${program}: exit ${status}: ${stderr}`)
  return Number(process.hrtime.bigint() - start) / 1e9
}
