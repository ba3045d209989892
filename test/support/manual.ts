// README.md and the pages of examples/manual, as one text: tests run what they say.
import { readdirSync, readFileSync } from 'node:fs'

const ROOT = new URL('../../', import.meta.url)

export function manual(): string {
  const folder = new URL('examples/manual/', ROOT)
  const pages = readdirSync(folder).sort()
  const files = [new URL('README.md', ROOT), ...pages.map((name) => new URL(name, folder))]
  return files.map((file) => readFileSync(file, 'utf8')).join('\n')
}
