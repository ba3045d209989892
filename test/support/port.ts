// Ports for servers that are started with a number. They are below those that the system hands out by itself, and each
// process of tests has its own hundred: what is free now is free still when the server takes it.
import { once } from 'node:events'
import { createServer } from 'node:net'

const FIRST = 20_000
const EACH = 100

const own = FIRST + (process.pid % EACH) * EACH
let count = 0

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < EACH; tries++) {
    const port = own + (count++ % EACH)
    if (await isFree(port)) return port
  }
  throw new Error(`no port is free from ${own} on`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = once(server.listen(port, '127.0.0.1'), 'listening')
  const isOurs = await listening.then(
    () => true,
    () => false,
  )
  if (isOurs) await once(server.close(), 'close')
  return isOurs
}
