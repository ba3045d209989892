// Prometheus's own reader of metrics and rules. Where the program is missing the test is skipped, and says so;
// with CI=true that is a failure.
import { spawnSync } from 'node:child_process'

export const hasPromtool = spawnSync('promtool', ['--version']).status === 0
if (!hasPromtool && process.env['CI']) throw new Error('promtool is missing')

/** What it has to say, `''` when all is well. */
export function promtool(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' })
  return status === 0 && stderr === '' ? '' : `${status}: ${stdout}${stderr}`
}
