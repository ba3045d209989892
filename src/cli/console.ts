// Where the console of a server is, and asking it: HTTP over its Unix socket.
import { hostname } from 'node:os'
import { request } from 'node:http'
import type { Config } from '../config/config.ts'
import { loadConfig, parseConfig } from '../config/load.ts'
import type { Answer } from '../http/control.ts'
import { EMBEDDED } from './embedded.ts'
import { BUNDLED_FOLDERS } from './folders.ts'

export interface ConsoleArguments {
  readonly words: readonly string[]
  /** Undefined: the embedded default. */
  readonly file: string | undefined
  readonly isJson: boolean
}

/** What is left of the arguments is the command. A text: what is wrong. */
export function readConsoleArguments(args: readonly string[]): ConsoleArguments | string {
  const words: string[] = []
  let file: string | undefined
  let isJson = false
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (arg === '--json') isJson = true
    else if (arg === '--config') {
      file = args[++i]
      if (file === undefined) return '--config: a file is missing'
    } else if (arg.startsWith('-') && words.length === 0) return `unexpected "${arg}"`
    // Behind the command's name options are the command's.
    else words.push(arg)
  }
  return { words, file, isJson }
}

/** Throws ConfigError. */
export function readConfig(file: string | undefined): Config {
  const options = { lenient: true, defaultHostname: hostname(), searchPath: BUNDLED_FOLDERS }
  if (file !== undefined) return loadConfig(file, options).config
  const place = { ...options, folder: process.cwd() }
  return parseConfig(EMBEDDED, 'embedded default', place).config
}

/** Undefined: no server listens there. */
export async function askServer(
  { control }: Pick<Config, 'control'>,
  words: readonly string[],
): Promise<Answer | undefined> {
  for (const socketPath of control.paths) {
    const answer = await ask(socketPath, words)
    if (answer) return answer
  }
  return undefined
}

/** Prints it and gives the exit code. */
export function printAnswer({ isOk, text, data = null }: Answer, isJson: boolean): number {
  const out = isOk ? process.stdout : process.stderr
  if (isJson) process.stdout.write(`${JSON.stringify({ ok: isOk, text, data })}\n`)
  else if (isExport(data)) out.write(Buffer.from(data.base64, 'base64'))
  else out.write(text)
  return isOk ? 0 : 1
}

function isExport(data: unknown): data is { readonly base64: string } {
  return typeof data === 'object' && data !== null && 'base64' in data
}

function ask(socketPath: string, words: readonly string[]): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { accept: 'application/json', 'content-type': 'application/json' }
    const sent = request({ socketPath, method: 'POST', path: '/command', headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        try {
          const { ok, ...rest }: { ok: boolean; text: string; data: unknown } = JSON.parse(
            Buffer.concat(chunks).toString(),
          )
          resolve({ isOk: ok, ...rest })
        } catch (error) {
          reject(new Error(`${socketPath} does not speak our protocol`, { cause: error }))
        }
      })
    })
    sent.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
      else reject(error)
    })
    sent.end(JSON.stringify(words))
  })
}
