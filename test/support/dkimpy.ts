// dkimpy, from Debian's python3-dkim: a verifier of DKIM that has nothing in common with ours. Where it is
// missing the test is skipped, and says so; with CI=true that is a failure.
import { spawnSync } from 'node:child_process'
import type { KeyObject } from 'node:crypto'

/** Debian's own: another Python in the path does not have its packages. */
const PYTHON = '/usr/bin/python3'

export const hasDkimpy = spawnSync(PYTHON, ['-c', 'import dkim']).status === 0
if (!hasDkimpy && process.env['CI']) throw new Error('python3-dkim is missing')

const SCRIPT = `
import sys, dkim
record = sys.argv[1].encode()
message = sys.stdin.buffer.read()
print(dkim.verify(message, dnsfunc=lambda name, timeout=5: record))`

/** Whether the topmost signature is good. Throws when there is none, or it cannot be read. */
export function dkimpyVerifies(message: Buffer, publicKey: KeyObject): boolean {
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const args = ['-c', SCRIPT, `v=DKIM1; k=rsa; p=${key}`]
  const { status, stdout, stderr } = spawnSync(PYTHON, args, { input: message, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout.trim() === 'True'
}
