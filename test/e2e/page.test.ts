// The page that shows a running server: who gets it, and what a browser makes of it.
import { request } from 'node:http'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Control, openControl } from '../../src/console/control.ts'
import { hasBrowser, openBrowser } from '../support/browser.ts'
import {
  copyFor,
  sendOne,
  serverPerTest,
  type TestServer,
  trackedPaths,
} from '../support/server.ts'

const TOKEN = 'token-of-sixteen-or-more'
const POLICY = `
  local mod = {}
  function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
    msg:context_set(msys.core.ECMESS_CTX_MESS, "audience", "all")
    return msys.core.VALIDATE_CONT
  end
  msys.registerModule("autumn", mod)`

const start = serverPerTest()
let controls: Control[] = []

afterEach(async () => {
  for (const control of controls.splice(0)) await control.close()
})

interface Shown {
  readonly server: TestServer
  readonly control: Control
  readonly origin: string
}

async function show(): Promise<Shown> {
  const server = await start({
    policy: { autumn: POLICY },
    listener: 'click_tracking_enabled = true',
    more: `control_listener { listen "127.0.0.1:0" {} control_token = "${TOKEN}" }`,
  })
  const control = await openControl(server.server)
  controls.push(control)
  return { server, control, origin: new URL(control.pages[0] ?? '').origin }
}

const ALLOWED = { authorization: `Bearer ${TOKEN}` }

describe('the page on loopback', () => {
  test('is nobody’s without the token', async () => {
    const { origin } = await show()
    const wrong = { authorization: `Bearer ${TOKEN}x` }
    for (const path of ['/', '/page.js', '/stream', '/metrics', '/readyz', '/nothing']) {
      expect([path, (await fetch(origin + path)).status]).toEqual([path, 401])
      expect([path, (await fetch(origin + path, { headers: wrong })).status]).toEqual([path, 401])
    }
    expect((await fetch(`${origin}/login?token=wrong`)).status).toBe(401)
    expect((await fetch(`${origin}/`, { headers: { cookie: `eachrcpt=${TOKEN}` } })).status).toBe(
      401,
    )
  })

  test('comes with the token, and with the cookie that the token gives', async () => {
    const { origin, control } = await show()
    expect(control.pages).toEqual([`${origin}/login?token=${TOKEN}`])
    const login = await fetch(control.pages[0] ?? '')
    const cookie = login.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^eachrcpt=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict$/)
    const [pair = ''] = cookie.split(';')
    expect((await fetch(`${origin}/`, { headers: { cookie: pair } })).status).toBe(200)
    const page = await fetch(`${origin}/`, { headers: ALLOWED })
    expect(await page.text()).toContain('<title>eachrcpt</title>')
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
  })

  test.each([
    ['by a name that leads here (DNS rebinding)', { host: 'evil.example' }],
    ['from a page of another origin', { origin: 'http://evil.example' }],
    ['from a page of another port', { origin: 'http://127.0.0.1:1' }],
    ['as part of a foreign page', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
  ])('is refused %s', async (_, headers) => {
    const { origin } = await show()
    expect(
      await statusOf({
        port: new URL(origin).port,
        path: '/',
        headers: { ...ALLOWED, ...headers },
      }),
    ).toBe(403)
  })

  test('gives no console', async () => {
    const { origin } = await show()
    const asked = await fetch(`${origin}/command`, {
      method: 'POST',
      body: 'summary',
      headers: ALLOWED,
    })
    expect(asked.status).toBe(404)
  })

  test('ten may watch at a time', async () => {
    const { origin } = await show()
    const all = new AbortController()
    onTestFinished(() => all.abort())
    const watch = () => fetch(`${origin}/stream`, { headers: ALLOWED, signal: all.signal })
    for (let i = 0; i < 10; i++) expect((await watch()).status).toBe(200)
    expect((await watch()).status).toBe(503)
  })
})

test('the console on its socket does nothing that a foreign page asks for', async () => {
  const { server } = await show()
  const socketPath = join(server.folder, 'spool/control')
  const options = { socketPath, path: '/command', method: 'POST' }
  expect(await statusOf({ ...options, headers: { origin: 'http://evil.example' } })).toBe(403)
  expect(await statusOf(options)).toBe(400)
})

describe.skipIf(!hasBrowser)('in a browser', () => {
  test('shows what happens as it happens, and whatever is in it as text', async () => {
    const { server, control } = await show()
    server.server.traces.choose({ sample: 1 })
    const browser = await openBrowser()
    onTestFinished(() => browser.close())
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } })
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(control.pages[0] ?? '')
    const body = page.locator('body')
    await expect.poll(() => body.innerText()).toContain('No message yet.')
    await expect.poll(() => body.innerText()).toContain('The queue is empty.')
    expect(await page.title()).toBe('mail.test · eachrcpt')
    // One process without Redis: nothing to tell about them.
    expect(await body.innerText()).not.toMatch(/Workers|Redis/)

    const hostile = '"<img/src=x/onerror=document.title=1>"@rcpt.example'
    await sendOne(server, ['a@rcpt.example', hostile])
    await expect.poll(() => page.locator('summary').innerText()).toMatch(/1 delivered\s+1 failed/)
    await page.locator('summary').click()
    expect(await page.locator('#messages').innerText()).toContain(`<${hostile}>`)
    await expect
      .poll(() => page.locator('#callouts').innerText())
      .toMatch(/validate_data_spool_each_rcpt\s+autumn\s+2\s/)
    await page.locator('#messages button').first().click()
    await expect
      .poll(() => page.locator('pre').innerText())
      .toMatch(
        /^validate_data_spool_each_rcpt {2}autumn {2}[\d.]+ \S+ {2}→ CONT\n {2}audience: – → all$/,
      )
    const [link = ''] = trackedPaths(await copyFor(server, 'a@rcpt.example'))
    await fetch(server.httpUrl + link, { redirect: 'manual' })
    await expect.poll(() => page.locator('#events').innerText()).toContain('https://e.com/?a=1&b=2')
    await expect.poll(() => page.locator('#rates').innerText()).toMatch(/Received\s+.*\s+2 in all/)

    expect(await page.title()).toBe('mail.test · eachrcpt')
    expect(await page.locator('img').count()).toBe(0)
    const overflow = 'document.documentElement.scrollWidth - window.innerWidth'
    expect(await page.evaluate(overflow)).toBe(0)
    expect(complaints).toEqual([])
  }, 60_000)
})

/** Fetch would not send such headers. */
function statusOf(options: Parameters<typeof request>[1] & object): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(options, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.on('error', reject).end()
  })
}
