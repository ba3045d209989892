// Before the tests: everything is built, the Lua engine too, so that tests of the command line drive what
// a user runs. A second or two.
import { execFileSync } from 'node:child_process'

export function setup(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 'inherit', 'inherit'] })
}
