import { expect, test } from 'vitest'
import { wellKnownApp } from '../../src/http/wellknown.ts'

test('crawlers are asked to stay away', async () => {
  const app = wellKnownApp(() => ({ appleAppSiteAssociation: undefined, assetlinks: undefined }))
  const response = await app.request('/robots.txt')
  expect(response.headers.get('content-type')).toContain('text/plain')
  expect(await response.text()).toBe('User-agent: *\nDisallow: /\n')
})

test.each([
  ['/.well-known/apple-app-site-association', 'appleAppSiteAssociation'],
  ['/.well-known/assetlinks.json', 'assetlinks'],
])('%s is served as JSON if it is configured', async (path, field) => {
  const none = { appleAppSiteAssociation: undefined, assetlinks: undefined }
  const app = wellKnownApp(() => ({ ...none, [field]: Buffer.from('{"applinks":{}}') }))
  const response = await app.request(path)
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(await response.text()).toBe('{"applinks":{}}')
  expect((await wellKnownApp(() => none).request(path)).status).toBe(404)
})
