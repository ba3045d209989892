// The keys that seal tracking links: those of the configuration, else one that is made at first start and
// kept beside the spool, so that links survive restarts.
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from './config/config.ts'
import { type Keyring, openKeyring } from './tracking/keyring.ts'

const FILE = 'tracking.key'
const KEY_LENGTH = 32

/** `warn` is told when a key is made: links sealed with it open only where the file is. */
export async function findKeyring(config: Config, warn: (text: string) => void): Promise<Keyring> {
  return (
    (await knownKeyring(config)) ??
    openKeyring([{ secret: await makeKey(join(config.spoolbase, FILE), warn) }])
  )
}

/** Undefined: none is configured, and none has been made. */
export async function knownKeyring({ spoolbase, tracking }: Config): Promise<Keyring | undefined> {
  const { keys } = tracking
  if (keys.length > 0) {
    return openKeyring(
      keys.map(({ secret, state }) => ({
        secret,
        retired: state === 'retired',
        denied: state === 'denied',
      })),
    )
  }
  const secret = await readKey(join(spoolbase, FILE))
  return secret && openKeyring([{ secret }])
}

async function readKey(path: string): Promise<Buffer | undefined> {
  const text = await readFile(path, 'latin1').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const key = Buffer.from(text.trim(), 'hex')
  if (key.length === KEY_LENGTH) return key
  throw new Error(`${path}: not a tracking key (${KEY_LENGTH * 2} hex digits expected)`)
}

/** Exclusive, private and durable before it is used: a lost key would break every link sealed with it. */
async function makeKey(path: string, warn: (text: string) => void): Promise<Buffer> {
  const key = randomBytes(KEY_LENGTH)
  await mkdir(join(path, '..'), { recursive: true })
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(`${key.toString('hex')}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  const folder = await open(join(path, '..'), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
  warn(`no tracking_keys configured: made ${path}; keep it, links sealed with it need it`)
  return key
}
