// How long until the server takes mail and until the command line answers, beside node itself doing nothing.
// The best of some runs. Run:
//   npm run bench -- startup
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { note } from './result.ts'
import { startEachrcpt } from './servers.ts'

const ROUNDS = 7
const MAIN = resolve('build/cli/main.js')
const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-bench-'))

const node = await best(() => void execFileSync(process.execPath, ['-e', '0']))
const version = await best(() => void execFileSync(process.execPath, [MAIN, '--version']))
let count = 0
const serve = await best(async () => {
  const server = await startEachrcpt('ours', MAIN, join(folder, String(count++)), 25)
  return () => server.stop()
})
rmSync(folder, { recursive: true })

note('start of the server: of node alone', serve / node, 'x')
console.log(
  `node alone ${node.toFixed(0)} ms, --version ${version.toFixed(0)} ms, ` +
    `serve until it takes mail ${serve.toFixed(0)} ms (${(serve / node).toFixed(1)}x)`,
)

/** Milliseconds; what `work` returns is run behind the clock. */
async function best(work: () => unknown): Promise<number> {
  let least = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    const after = await work()
    least = Math.min(least, performance.now() - start)
    if (typeof after === 'function') await (after as () => Promise<void>)()
  }
  return least
}
