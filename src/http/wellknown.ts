// Files that other programs look for on a tracking domain: robots.txt keeps crawlers off the links, the
// app-link files (as configured) let a phone open a link in an app.
import { Hono } from 'hono'

export interface WellKnown {
  /** For iOS. */
  readonly appleAppSiteAssociation: Buffer | undefined
  /** For Android. */
  readonly assetlinks: Buffer | undefined
}

/** `files` gives those of the current configuration. */
export function wellKnownApp(files: () => WellKnown): Hono {
  const app = new Hono()
  const json = (content: Buffer | undefined): Response =>
    content
      ? new Response(new Uint8Array(content), { headers: { 'Content-Type': 'application/json' } })
      : new Response('Not found.\n', { status: 404 })
  app.get('/robots.txt', (c) => c.text('User-agent: *\nDisallow: /\n'))
  app.get('/.well-known/apple-app-site-association', () => json(files().appleAppSiteAssociation))
  app.get('/.well-known/assetlinks.json', () => json(files().assetlinks))
  return app
}
