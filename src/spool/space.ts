// Watches what is left of the file system, so that intake stops while there is still room for what has to
// be written to make room again: outcomes, notifications, logs; and whether the folder is still there: what is
// written to files that nobody can open any more is lost at the next start.
import type { FileSystem } from './files.ts'

export interface Floors {
  /** Octets that must be free. 0: any. */
  readonly freeBytes: number
  readonly freeInodes: number
}

export interface Space {
  /** Why no more mail may be taken; undefined: there is room. At most a second old. */
  readonly shortage: string | undefined
  /** What was free then; undefined: the system does not tell. */
  readonly free: { readonly bytes: number; readonly inodes: number | undefined } | undefined
  check(): Promise<void>
  close(): void
}

const CHECK_MS = 1_000

/** `floors` gives those of the current configuration; `report` hears when it begins and ends. */
export async function watchSpace(options: {
  readonly directory: string
  readonly files: Pick<FileSystem, 'free'>
  readonly floors: () => Floors
  readonly report: (text: string) => void
  /** Whether what is written is found in the folder again. */
  readonly isThere: () => Promise<boolean>
  /** Gives back room that is only kept for later; false: there is none. */
  readonly relieve?: () => Promise<boolean>
}): Promise<Space> {
  const { directory, files, floors, report, isThere } = options
  const { relieve = () => Promise.resolve(false) } = options
  let shortage: string | undefined
  let free: Space['free']
  const look = async (): Promise<string | undefined> => {
    // A system that does not tell stops nothing: what has no room is refused when it is written.
    free = await files.free(directory).catch(() => undefined)
    if (!(await isThere())) return `the spool ${directory} was removed, moved or replaced`
    return free && shortageOf(free, floors())
  }
  const check = async (): Promise<void> => {
    let next = await look()
    if (next && (await relieve())) next = await look()
    if (next && !shortage) report(`no more mail is taken: ${next}`)
    if (!next && shortage) report('mail is taken again')
    shortage = next
  }
  await check()
  const timer = setInterval(() => void check(), CHECK_MS).unref()
  return {
    get shortage() {
      return shortage
    },
    get free() {
      return free
    },
    check,
    close: () => clearInterval(timer),
  }
}

function shortageOf(
  { bytes, inodes }: Awaited<ReturnType<FileSystem['free']>>,
  { freeBytes, freeInodes }: Floors,
): string | undefined {
  if (bytes < freeBytes) return `${bytes} octets are free, below the floor of ${freeBytes}`
  if (inodes !== undefined && inodes < freeInodes) {
    return `${inodes} inodes are free, below the floor of ${freeInodes}`
  }
  return undefined
}
