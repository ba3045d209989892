import { expect, test } from 'vitest'
import { makeListeners } from '../src/listeners.ts'

interface TestEndpoint {
  readonly address: { readonly host: string; readonly port: number }
  readonly name: string
}

/** Listeners that note what is opened and closed, on ports that are free but for 99. */
function start() {
  const log: string[] = []
  const current = new Map<number, () => TestEndpoint>()
  const listeners = makeListeners<TestEndpoint>((endpoint, latest) => {
    const { port } = endpoint.address
    if (port === 99) return Promise.reject(new Error('EADDRINUSE'))
    log.push(`open ${port}`)
    current.set(port, latest)
    const close = (): Promise<void> => Promise.resolve(void log.push(`close ${port}`))
    return Promise.resolve({ address: endpoint.address, close })
  })
  const at = (port: number, name: string): TestEndpoint => ({
    address: { host: '::1', port },
    name,
  })
  return { listeners, log, at, nameAt: (port: number) => current.get(port)?.().name }
}

test('until it is adopted a new configuration changes nothing for what is listening', async () => {
  const { listeners, at, nameAt, log } = start()
  ;(await listeners.prepare([at(1, 'old'), at(2, 'old')])).adopt(0)
  const next = await listeners.prepare([at(1, 'new'), at(3, 'new')])
  expect(nameAt(1)).toBe('old')
  expect(listeners.addresses.map(({ port }) => port)).toEqual([1, 2])
  next.adopt(0)
  expect(nameAt(1)).toBe('new')
  expect(listeners.addresses.map(({ port }) => port)).toEqual([1, 3])
  expect(log).toEqual(['open 1', 'open 2', 'open 3', 'close 2'])
})

test('an address that cannot be had closes what was opened with it', async () => {
  const { listeners, at, nameAt, log } = start()
  ;(await listeners.prepare([at(1, 'old')])).adopt(0)
  await expect(listeners.prepare([at(1, 'new'), at(2, 'new'), at(99, 'new')])).rejects.toThrow(
    'EADDRINUSE',
  )
  expect(nameAt(1)).toBe('old')
  expect(log).toEqual(['open 1', 'open 2', 'close 2'])
})
