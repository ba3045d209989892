// `eachrcpt init`: a folder to start from, with configuration, policy, tests, a message, and definitions
// for editors. It writes over nothing.
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { EXAMPLES_FOLDER } from './folders.ts'
import { writeStubs } from './stubs.ts'

const USAGE = `usage: eachrcpt init [DIR]

Makes a folder to start from: configuration, a policy, its tests, a message,
definitions for editors. DIR is the current folder unless given.
`

const EXIT_CANNOT_CREATE = 73
const STARTER = join(EXAMPLES_FOLDER, 'starter')

export async function init(args: readonly string[]): Promise<number> {
  const [folder = '.', ...others] = args
  if (folder === '--help') {
    process.stdout.write(USAGE)
    return 0
  }
  if (folder.startsWith('-') || others.length > 0) {
    process.stderr.write(`init: unexpected "${others[0] ?? folder}"\n\n${USAGE}`)
    return 2
  }
  const there = filesBelow(STARTER).filter((file) => existsSync(join(folder, file)))
  if (there.length > 0) {
    process.stderr.write(
      `init: ${there.map((file) => join(folder, file)).join(', ')} would be written over: choose another folder\n`,
    )
    return EXIT_CANNOT_CREATE
  }
  try {
    mkdirSync(folder, { recursive: true })
    cpSync(STARTER, folder, { recursive: true })
    writeStubs(folder)
  } catch (error) {
    process.stderr.write(`init: ${error instanceof Error ? error.message : String(error)}\n`)
    return EXIT_CANNOT_CREATE
  }
  process.stdout.write(textOf(folder))
  return 0
}

function filesBelow(folder: string, top = folder): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(path, top) : [relative(top, path)]
  })
}

function textOf(folder: string): string {
  const files = filesBelow(STARTER).sort()
  const change = folder === '.' ? '' : `  cd ${folder}\n`
  return `${[...files, '_meta/', '.luarc.json'].map((file) => join(folder, file)).join('\n')}

next:
${change}  eachrcpt check --config ecelerity.conf
  eachrcpt run --config ecelerity.conf --message messages/welcome.eml
  eachrcpt test
  eachrcpt serve --config ecelerity.conf
`
}
