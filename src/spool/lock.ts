// One process per spool: a file `lock` that names its owner by process id and start time (Linux: since
// which boot and clock tick), so that a reused process id is not taken for the owner. The lock of a dead
// owner is taken over. Process ids of other machines or containers cannot be checked.
import { randomUUID } from 'node:crypto'
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SpoolError, errorCode } from './error.ts'

interface Owner {
  readonly pid: number
  /** '' where the system does not tell. */
  readonly started: string
}

/** Resolves to what releases it. Rejects with SpoolError `locked` while another process lives. */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, 'lock')
  const claim = join(directory, `lock.${randomUUID()}`)
  const owner: Owner = { pid: process.pid, started: await startOf(process.pid) }
  try {
    await writeFile(claim, JSON.stringify(owner), { mode: 0o600 })
    while (!(await claimed(claim, path))) await removeStale(path, directory)
  } finally {
    await unlink(claim).catch(ignoreMissing)
  }
  return async () => {
    await unlink(path).catch(ignoreMissing)
  }
}

/** Whether it is still there; a folder that was removed, moved or put in its place does not have it. */
export async function isLockedByUs(directory: string): Promise<boolean> {
  const owner = await readOwner(join(directory, 'lock')).catch(() => undefined)
  return owner?.pid === process.pid && owner.started === (await startOf(process.pid))
}

async function claimed(claim: string, path: string): Promise<boolean> {
  try {
    await link(claim, path)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

async function removeStale(path: string, directory: string): Promise<void> {
  await refuseIfAlive(path, directory)
  const aside = `${path}.${randomUUID()}`
  await rename(path, aside).catch(ignoreMissing)
  try {
    // Another process may have taken the lock over in between; then it gets it back.
    await refuseIfAlive(aside, directory).catch(async (error: unknown) => {
      await claimed(aside, path)
      throw error
    })
  } finally {
    await unlink(aside).catch(ignoreMissing)
  }
}

async function refuseIfAlive(path: string, directory: string): Promise<void> {
  const owner = await readOwner(path)
  if (!owner || !(await isAlive(owner))) return
  const who = owner.pid === process.pid ? 'this process' : `process ${owner.pid}`
  throw new SpoolError('locked', `the spool ${directory} is in use by ${who}`)
}

/** Undefined when there is none, or none that can be read (a crash while it was written). */
async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const { pid, started }: Partial<Owner> = JSON.parse(await readFile(path, 'utf8'))
    return typeof pid === 'number' && pid > 0 ? { pid, started: String(started) } : undefined
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function isAlive({ pid, started }: Owner): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (errorCode(error) !== 'EPERM') return false
  }
  return (await startOf(pid)) === started
}

/** When a process that runs began: boot id and clock tick (proc(5), field 22 of stat). */
async function startOf(pid: number): Promise<string> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    // The second field is a name in parentheses and may hold anything.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Killed, and its parent has not asked yet: in a container that may never be.
    if (state === 'Z') return 'ended'
    return `${boot.trim()} ${fields[18]}`
  } catch {
    // No /proc: the process id has to do.
    return ''
  }
}

function ignoreMissing(error: unknown): void {
  if (errorCode(error) !== 'ENOENT') throw error
}
