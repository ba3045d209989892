// Who may see a page on loopback: any program of the machine can reach it, and any page of the web can make a
// browser ask. A request must name the machine by address or localhost, come from no other origin, and carry
// the token: as a Bearer, or as the cookie that `GET /login?token=…` gives.
import { createHash, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import type { Context, MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { isOwnHost } from './host.ts'

/** Refuses what a page of another origin makes a browser ask, whatever the address. */
export const refuseForeign: MiddlewareHandler = async (c, next) => {
  const site = c.req.header('sec-fetch-site') ?? 'none'
  // A link that somebody follows is harmless; what a foreign page asks for is not.
  const isForeign = site !== 'none' && site !== 'same-origin' && !isFollowed(c)
  if (isForeign || isForeignOrigin(c)) return c.text('Forbidden.\n', 403)
  return next()
}

/** Refuses other names than our own, and keeps what is served to itself. */
export const keepToItself: MiddlewareHandler = async (c, next) => {
  if (!isOwnHost(c.req.header('host'))) return c.text('Forbidden.\n', 403)
  await next()
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value)
}

/** An app in front of others: nothing below it is seen without the token. */
export function guardApp(token: string): Hono {
  const app = new Hono()
  const session = createHash('sha256').update(`session ${token}`).digest('hex')
  app.use(refuseForeign, keepToItself)
  app.get('/login', (c) => {
    if (!isSame(c.req.query('token') ?? '', token)) return c.text(UNKNOWN, 401)
    setCookie(c, COOKIE, session, { httpOnly: true, sameSite: 'Strict', path: '/' })
    // Not a redirect: a cookie that is Strict does not go along with one that began elsewhere.
    return c.html(
      '<!doctype html><title>eachrcpt</title><meta http-equiv="refresh" content="0;url=/">',
    )
  })
  app.use(async (c, next) => {
    const bearer = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
    const isKnown = isSame(bearer, token) || isSame(getCookie(c, COOKIE) ?? '', session)
    if (!isKnown) return c.text(UNKNOWN, 401)
    await next()
  })
  return app
}

const COOKIE = 'eachrcpt'
const UNKNOWN = 'A token is needed: `eachrcpt ctl page` prints the address that has it.\n'

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
}

function isFollowed(c: Context): boolean {
  return c.req.method === 'GET' && c.req.header('sec-fetch-mode') === 'navigate'
}

function isForeignOrigin(c: Context): boolean {
  const origin = c.req.header('origin')
  return origin !== undefined && origin !== `http://${c.req.header('host')}`
}

/** In a time that tells nothing about how much of it was right. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
