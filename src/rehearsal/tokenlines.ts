// What the tokens of a copy say, in one line for each that differs.
import type { TokenFacts } from '../tracking/facts.ts'
import { safe } from './paint.ts'
import type { TrackingText } from './report.ts'

/** Links and pixels that carry the same facts share a line. */
export function tokenLines({ links, pixels }: TrackingText): string[] {
  const users = new Map<string, string[]>()
  const add = (facts: TokenFacts, user: string): void => {
    const text = factsText(facts)
    users.set(text, [...(users.get(text) ?? []), user])
  }
  for (const { tracked } of links) if (tracked) add(tracked.facts, tracked.action)
  for (const { facts, action } of pixels) add(facts, action)
  return [...users].map(([text, who]) => `${counted(who)}: ${text}`)
}

/** Tokens are long, and say nothing to the eye. */
export function withoutTokens(line: string): string {
  return line.replace(TOKEN, '$1$2…/$3…')
}

const TOKEN = /(\/(?:f\/[\w-]+|q)\/)([\w-]{6})[\w-]{24,}\/([\w-]{6})[\w-]{10,}/g

export function factsText(facts: TokenFacts): string {
  const { expirySeconds, tags, metadata, custom, ...plain } = facts
  const named = [
    ...Object.entries(plain).map(([name, value]) => `${name}=${String(value)}`),
    ...(tags ? [`tags=${JSON.stringify(tags)}`] : []),
    ...(metadata ? [`metadata=${JSON.stringify(metadata)}`] : []),
    ...(custom ? [`custom=${JSON.stringify(custom)}`] : []),
    `expires=${new Date(expirySeconds * 1000).toISOString().slice(0, 19)}Z`,
  ]
  return safe(named.join(' '))
}

/** `3 click, 1 open` */
function counted(who: readonly string[]): string {
  const kinds = [...new Set(who)]
  return kinds.map((kind) => `${who.filter((one) => one === kind).length} ${kind}`).join(', ')
}
