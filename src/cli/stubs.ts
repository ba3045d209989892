// `eachrcpt stubs`: definitions of the API for the Lua language server, and settings that find them.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { settingsText, stubFiles } from '../check/stubs/stubs.ts'

const USAGE = `usage: eachrcpt stubs [DIR] [--quiet]

Writes definitions of the API for editors with the Lua language server:
DIR/_meta/ (replaced) and DIR/.luarc.json (unless there is one).
`

const EXIT_CANNOT_CREATE = 73

export async function stubs(args: readonly string[]): Promise<number> {
  const isQuiet = args.includes('--quiet')
  const [folder = '.', ...others] = args.filter((arg) => arg !== '--quiet')
  if (folder === '--help') {
    process.stdout.write(USAGE)
    return 0
  }
  if (folder.startsWith('-') || others.length > 0) {
    process.stderr.write(`stubs: unexpected "${others[0] ?? folder}"\n\n${USAGE}`)
    return 2
  }
  try {
    const text = writeStubs(folder)
    if (!isQuiet) process.stdout.write(text)
    return 0
  } catch (error) {
    process.stderr.write(`stubs: ${error instanceof Error ? error.message : String(error)}\n`)
    return EXIT_CANNOT_CREATE
  }
}

/** Returns what was done, in lines. */
export function writeStubs(folder: string): string {
  const files = stubFiles()
  const target = join(folder, '_meta')
  rmSync(target, { recursive: true, force: true })
  for (const [path, text] of files) {
    mkdirSync(dirname(join(target, path)), { recursive: true })
    writeFileSync(join(target, path), text)
  }
  const settings = join(folder, '.luarc.json')
  const lines = [`${target}: ${files.size} files`]
  if (existsSync(settings)) {
    lines.push(`${settings}: left as it is; "workspace.library" must hold "_meta"`)
  } else {
    writeFileSync(settings, settingsText('_meta'))
    lines.push(settings)
  }
  return lines.map((line) => `${line}\n`).join('')
}
