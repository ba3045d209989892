// What a reader's mail program and browser do in the demo: fetch the pixel, follow a link.
import { say } from './story.ts'

export interface Visited {
  /** Where the click led. */
  readonly target: string
}

const ORDER = 'https://shop.lindenhof.example/order?item=ash-01&qty=1&sig=Zm9v%2Bbar%3D'

/** Throws when an answer is not as expected. */
export async function visit(html: string): Promise<Visited> {
  const pixel = /src="([^"]*\/q\/[^"]*)"/.exec(html)?.[1] ?? ''
  const order = /href="([^"]*)"[^>]*>Order chair no\. 1/.exec(html)?.[1] ?? ''
  const opened = await get(pixel)
  const type = opened.headers.get('content-type')
  const { byteLength } = await opened.arrayBuffer()
  say(`   → ${opened.status} ${type}, ${byteLength} octets\n`)
  if (opened.status !== 200 || type !== 'image/gif') throw new Error('the pixel is no image')
  const clicked = await get(order)
  const target = clicked.headers.get('location') ?? ''
  say(`   → ${clicked.status} Location: ${target}\n`)
  if (clicked.status !== 302 || target !== ORDER)
    throw new Error(`the click does not lead to ${ORDER}`)
  return { target }
}

function get(url: string): Promise<Response> {
  say(`   GET ${url.length > 100 ? `${url.slice(0, 100)}…` : url}\n`)
  return fetch(url, { redirect: 'manual', headers: { 'User-Agent': 'Demo/1.0 (a mail reader)' } })
}
