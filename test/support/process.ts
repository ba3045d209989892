// The built program as a process of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export const MAIN = new URL('../../build/cli/main.js', import.meta.url).pathname

export interface Running {
  readonly child: ChildProcess
  readonly smtpPort: number
  readonly httpUrl: string
  /** Everything that was printed. */
  stdout(): string
  stderr(): string
  /** Resolves when stderr holds that text. */
  says(text: string): Promise<void>
  /** Sends the signal and resolves with the exit code, null for a signal that killed it. */
  stop(signal: NodeJS.Signals): Promise<number | null>
}

/** Resolves when it says that it is ready; rejects with what it said when it ends before. */
export async function serve(args: readonly string[], cwd: string): Promise<Running> {
  const child = spawn(process.execPath, [MAIN, 'serve', ...args], { cwd })
  let out = ''
  let err = ''
  const waiting = new Set<() => void>()
  const heard = (): void => waiting.forEach((look) => look())
  child.stdout.on('data', (chunk) => {
    out += String(chunk)
    heard()
  })
  child.stderr.on('data', (chunk) => {
    err += String(chunk)
    heard()
  })
  const ended = once(child, 'exit')
  const when = (holds: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!holds()) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
      void ended.then(() => reject(new Error(`exit ${child.exitCode}: ${err}`)))
    })
  await when(() => /^ready smtp=.*\n/m.test(out))
  const [, smtp, http] = /^ready smtp=\S*?:(\d+)\S* http=(\S*)$/m.exec(out) ?? []
  return {
    child,
    smtpPort: Number(smtp),
    httpUrl: `http://${http}`,
    stdout: () => out,
    stderr: () => err,
    says: (text) => when(() => err.includes(text)),
    async stop(signal) {
      child.kill(signal)
      await ended
      return child.exitCode
    },
  }
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly input?: string } = {},
): Promise<Finished> {
  const child = spawn(command, args, options.cwd === undefined ? {} : { cwd: options.cwd })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (stderr += String(chunk)))
  // A program may end without having read it.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  await once(child, 'close')
  return { code: child.exitCode, stdout, stderr }
}
