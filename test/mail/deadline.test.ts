import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { withDeadline } from '../../src/mail/deadline.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const ended = (limit: AbortSignal): Promise<string> =>
  new Promise((resolve) => {
    limit.addEventListener('abort', () => resolve('ended'))
  })

test('it holds though garbage is collected meanwhile', async () => {
  const { signal } = new AbortController()
  const working = withDeadline(200, signal, ended)
  for (let i = 0; i < 5; i++) {
    await delay(10)
    collect()
  }
  expect(await working).toBe('ended')
})

test('the signal ends it before, also one that has said so already', async () => {
  const stopping = new AbortController()
  const working = withDeadline(1e9, stopping.signal, ended)
  stopping.abort()
  expect(await working).toBe('ended')
  const isAborted = (limit: AbortSignal): Promise<boolean> => Promise.resolve(limit.aborted)
  expect(await withDeadline(1e9, stopping.signal, isAborted)).toBe(true)
})
