import { expect, test } from 'vitest'
import { healthApp } from '../../src/http/health.ts'

const PATHS = ['/readyz', '/health', '/api/check-liveness/v1']

test.each(PATHS)('%s is 503 with the reason while no mail can be taken', async (path) => {
  let reason: string | undefined = 'the disk is full'
  const app = healthApp({ notReady: () => reason })
  const refused = await app.request(path)
  expect([refused.status, await refused.text()]).toEqual([503, 'not ready: the disk is full\n'])
  reason = undefined
  const taken = await app.request(path)
  expect([taken.status, await taken.text()]).toEqual([200, 'ready\n'])
})

test('/livez is 200 whatever happens', async () => {
  const app = healthApp({ notReady: () => 'the disk is full' })
  expect((await app.request('/livez')).status).toBe(200)
})
