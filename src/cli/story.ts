// What the demo prints. Long lines are cut: the full ones are in the mail.
import { diffLines } from 'diff'
import type { Server } from '../server.ts'
import type { LinkExplain } from '../tracking/explain.ts'
import type { ReadCopy } from './copyreader.ts'
import { VERSION } from '../observing/version.ts'

const WIDTH = 110
const DIFF_LINES = 8

export function say(text: string): void {
  process.stdout.write(text)
}

export function showStart(server: Server, sinkPort: number): void {
  const [smtp] = server.smtp
  const [http] = server.http
  say(`eachrcpt ${VERSION}: the policy of a Momentum mail server, unchanged, on Node\n\n`)
  say('1. A server with examples/newsletter.conf, and its policy examples/newsletter.lua\n')
  say(`   mail in 127.0.0.1:${smtp?.port}, links and pixels 127.0.0.1:${http?.port}, `)
  say(`mail out to a sink on 127.0.0.1:${sinkPort}\n`)
}

export function showCopy(copy: ReadCopy): void {
  say(`\n   ── ${copy.rcptto} ${'─'.repeat(Math.max(2, 60 - copy.rcptto.length))}\n`)
  say('   context variables:\n')
  for (const [name, value] of Object.entries(copy.settings)) say(`     ${name} = ${value}\n`)
  say('   header:\n')
  for (const line of headerChanges(copy)) say(cut(`     ${line}`))
  say('   HTML:\n')
  for (const line of htmlChanges(copy)) say(cut(`     ${line}`))
  say('   links:\n')
  if (!copy.explain) say('     not tracked: policy switched it off for this recipient\n')
  for (const link of copy.explain?.links ?? []) say(cut(`     ${linkLine(link)}`))
  if (copy.explain) say(`     pixel: ${copy.explain.pixel}\n`)
}

export function showEvents(lines: readonly string[]): void {
  for (const line of lines) {
    const isEngagement = ['open', 'click'].includes(eventType(line))
    say(isEngagement ? `   ${line}\n` : cut(`   ${line}`))
  }
}

export function showNext(): void {
  say(`
All as expected. What to try next:
   npm start                                     the server on its embedded default, with a swaks line
   node build/cli/main.js serve --config FILE    with an ecelerity.conf of your own
   examples/newsletter.lua                       the policy above: change it, and run the demo again
`)
}

export function eventType(line: string): string {
  return /"type":"([^"]*)"/.exec(line)?.[1] ?? ''
}

function headerChanges({ originalHeader, copyHeader }: ReadCopy): string[] {
  const flat = (line: string): string => line.replace(/\r\n[ \t]+/g, ' ')
  const gone = originalHeader.filter((line) => !copyHeader.includes(line))
  const added = copyHeader.filter((line) => !originalHeader.includes(line))
  return [...gone.map((line) => `- ${flat(line)}`), ...added.map((line) => `+ ${flat(line)}`)]
}

function htmlChanges({ originalHtml, copyHtml }: ReadCopy): string[] {
  const lines = diffLines(originalHtml, copyHtml)
    .filter(({ added, removed }) => added || removed)
    .flatMap(({ added, value }) =>
      value
        .trimEnd()
        .split('\n')
        .map((line) => `${added ? '+' : '-'} ${line.trim()}`),
    )
  if (lines.length === 0) return ['(the same to the octet)']
  const more = lines.length - DIFF_LINES
  return more > 0 ? [...lines.slice(0, DIFF_LINES), `… and ${more} more lines`] : lines
}

function linkLine({ part, line, outcome, target, name }: LinkExplain): string {
  return `${outcome.padEnd(16)} ${part} line ${String(line).padEnd(3)} ${target}${name ? ` (${name})` : ''}`
}

function cut(line: string): string {
  return `${line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line}\n`
}
