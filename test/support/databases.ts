// PostgreSQL and MariaDB servers of the tests' own, each on a port of loopback. Where a program is missing its
// tests are skipped, and say so; with CI=true that is a failure.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './port.ts'

const POSTGRES_FOLDERS = '/usr/lib/postgresql'

const postgres = existsSync(POSTGRES_FOLDERS)
  ? readdirSync(POSTGRES_FOLDERS)
      .map((version) => join(POSTGRES_FOLDERS, version, 'bin'))
      .find((folder) => existsSync(join(folder, 'initdb')))
  : undefined

export const hasPostgres = postgres !== undefined
export const hasMariadb = spawnSync('mariadbd', ['--no-defaults', '--version']).status === 0
if (process.env['CI'] && !hasPostgres) throw new Error('postgresql is missing')
if (process.env['CI'] && !hasMariadb) throw new Error('mariadb-server-core is missing')

export interface DatabaseServer {
  readonly uri: string
  /** It comes back on the same port, with what it had. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** A database `postgres` for the user `postgres`. */
export async function startPostgres(): Promise<DatabaseServer> {
  const bin = postgres ?? ''
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-postgres-'))
  const data = join(folder, 'data')
  // It does not run as root.
  const user = process.getuid?.() === 0 ? userOf('postgres') : undefined
  if (user) chownSync(folder, user.uid, user.gid)
  const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C']
  spawnSync(join(bin, 'initdb'), args, { ...user, cwd: folder })
  const port = await freePort()
  const options = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-F']
  return {
    uri: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    ...(await keep(folder, () => [
      spawn(join(bin, 'postgres'), options, { ...user, cwd: folder }),
      'ready to accept connections',
      'SIGINT',
    ])),
  }
}

/** A database `mail`; any user is let in. */
export async function startMariadb(): Promise<DatabaseServer> {
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-mariadb-'))
  const port = await freePort()
  const options = [
    '--no-defaults',
    '--skip-grant-tables',
    `--datadir=${folder}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(folder, 's')}`,
    '--innodb-buffer-pool-size=8M',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ]
  return {
    uri: `mysql:host=127.0.0.1;port=${port};user=policy;password=x`,
    ...(await keep(folder, () => [spawn('mariadbd', options), 'ready for connections', 'SIGTERM'])),
  }
}

type Start = () => readonly [child: ChildProcess, ready: string, stop: NodeJS.Signals]

async function keep(folder: string, start: Start): Promise<Omit<DatabaseServer, 'uri'>> {
  let [child, ready, signal] = start()
  await said(child, ready)
  const end = async (): Promise<void> => {
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
  return {
    async restart() {
      await end()
      ;[child, ready, signal] = start()
      await said(child, ready)
    },
    async stop() {
      await end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function said(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let all = ''
    child.stderr?.on('data', (piece) => {
      all += String(piece)
      if (all.includes(text)) resolve()
    })
    child.on('exit', () => reject(new Error(`it does not start: ${all}`)))
  })
}

function userOf(name: string): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}
