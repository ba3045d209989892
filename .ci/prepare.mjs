// npm's `prepare`: builds where the compiler is installed; where it is not (npm ci --omit=dev), accepts a
// complete build that is already there and says what is missing otherwise.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

if (existsSync('node_modules/typescript')) {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
  process.exit(status ?? 1)
}
if (!existsSync('build/cli/main.js') || !existsSync('build/engine/fengari.js')) {
  console.error(
    'eachrcpt: no build here and no compiler to make one: run npm ci without --omit=dev once',
  )
  process.exit(1)
}
