// What the demo expects of each copy and of the events. Throws where something is not as expected.
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { ReadCopy } from './copyreader.ts'
import { eventType } from './story.ts'
import type { Visited } from './visit.ts'

/** Throws, naming the recipient and what is missing. */
export function expectCopies(original: Buffer, copies: readonly ReadCopy[]): void {
  const [anna, ben, carol] = ['anna@', 'ben@', 'carol@'].map((start) => {
    const copy = copies.find(({ rcptto }) => rcptto.startsWith(start))
    return expect(copy, `${start}: no copy arrived`)
  })
  for (const copy of copies) {
    check(!copy.copyHeader.some((line) => /^x-msys-api:/i.test(line)), copy, 'X-MSYS-API is gone')
  }
  if (!anna || !ben || !carol) return
  check(pixels(anna) === 1, anna, 'exactly one pixel')
  check(trackedLinks(anna) >= 15, anna, 'at least 15 tracked links')
  check(anna.settings['smtpapi_campaign_id'] === 'crm-2026-47', anna, "the injector's campaign")
  check(hasField(anna, 'X-Audience: customer'), anna, "policy's header field")
  check(pixels(ben) === 0, ben, 'no pixel')
  check(trackedLinks(ben) === trackedLinks(anna), ben, 'as many tracked links as Anna')
  check(ben.settings['smtpapi_campaign_id'] === 'autumn-partner.example', ben, "policy's campaign")
  check(!sharesToken(anna, ben), ben, 'links of his own')
  check(bodyOf(carol.bytes).equals(bodyOf(original)), carol, 'a body that is the same to the octet')
}

/** Waits for the events of the visits, which are flushed within a second. */
export async function expectEvents(file: string, visited: Visited): Promise<readonly string[]> {
  const deadline = Date.now() + 3000
  for (;;) {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
    const types = lines.map(eventType)
    const complete =
      count(types, 'injection') === 3 &&
      count(types, 'delivery') === 3 &&
      count(types, 'open') === 1 &&
      count(types, 'click') === 1
    if (complete) {
      const click = lines[types.indexOf('click')] ?? ''
      for (const fact of [visited.target, 'crm-2026-47', 'anna@customer.example', '"order"']) {
        expect(click.includes(fact) || undefined, `the click event does not tell ${fact}: ${click}`)
      }
      return lines
    }
    if (Date.now() > deadline) throw new Error(`events missing, there are: ${types.join(', ')}`)
    await delay(50)
  }
}

function expect<T>(value: T | undefined, complaint: string): T {
  if (value === undefined) throw new Error(complaint)
  return value
}

function check(holds: boolean, { rcptto }: ReadCopy, expected: string): void {
  if (!holds) throw new Error(`${rcptto}: expected ${expected}`)
}

const pixels = ({ copyHtml }: ReadCopy): number => matches(copyHtml, /src="http[^"]*\/q\//g)
const trackedLinks = ({ copyHtml }: ReadCopy): number => matches(copyHtml, /\/f\/a\/[\w-]+\//g)

function sharesToken(one: ReadCopy, other: ReadCopy): boolean {
  const tokens = new Set(one.copyHtml.match(/\/f\/[^"'\s>]+/g))
  return (other.copyHtml.match(/\/f\/[^"'\s>]+/g) ?? []).some((token) => tokens.has(token))
}

function hasField({ copyHeader }: ReadCopy, line: string): boolean {
  return copyHeader.includes(line)
}

function bodyOf(bytes: Buffer): Buffer {
  return bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)
}

function matches(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}

function count(values: readonly string[], value: string): number {
  return values.filter((candidate) => candidate === value).length
}
