// A run as one page that stands alone: no script, nothing to fetch, readable on a phone. Everything of a mail
// is escaped by the template.
import { html as markup, raw } from 'hono/html'
import type { CalloutTrace } from '../policy/trace.ts'
import { VERSION } from '../observing/version.ts'
import type { Difference, HeaderDifference, PartDifference } from './difference.ts'
import { CSS } from './htmlstyle.ts'
import { plain, safe } from './paint.ts'
import type { CopyText, RecipientReport, RunReport, TrackingText } from './report.ts'
import { tokenLines, withoutTokens } from './tokenlines.ts'
import { calloutLines } from './tracelines.ts'

// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g

type Html = ReturnType<typeof markup>

export function htmlReport(report: RunReport, { isTraced }: { isTraced: boolean }): string {
  const { message, scripts, configuration, recipients, session, sent, logs, trace } = report
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${message.name}: ${recipients.length} recipients</title>
        <style>
          ${raw(CSS)}
        </style>
      </head>
      <body>
        <header>
          <h1>${message.name.replace(/^.*\//, '')}</h1>
          <p>
            ${message.bytes} octets · policy ${scripts.join(', ') || 'none'} · configuration
            ${configuration}
          </p>
          ${report.isSound ? '' : markup`<p class="bad">A callout failed: paniclog below says why.</p>`}
        </header>
        <main>
          ${summary(recipients)} ${fold('Conversation', sessionTable(session), false)}
          ${recipients.map(recipientCard)}
          ${sent.map(({ kind, mailfrom, rcptto, text }) =>
            fold(
              `Sent ${kind}: ${mailfrom || '<>'} → ${rcptto}`,
              markup`<pre>${text}</pre>`,
              false,
            ),
          )}
          ${isTraced ? fold('Trace', traceList(trace), true) : ''}
          ${Object.entries(logs).map(([name, lines]) =>
            lines.length === 0
              ? ''
              : fold(name, markup`<pre>${lines.join('\n')}</pre>`, name === 'paniclog'),
          )}
        </main>
        <footer>eachrcpt ${VERSION}. Clock, ids and keys are those of a rehearsal.</footer>
      </body>
    </html> `
  // The template waits for promises only, and is given none.
  if (page instanceof Promise) throw new TypeError('a part of the page is a promise')
  return page.toString().replace(CONTROLS, safe)
}

function fold(title: string, content: Html, isOpen: boolean): Html {
  return markup`<details${isOpen ? raw(' open') : ''}><summary>${title}</summary>${content}</details>`
}

function summary(recipients: readonly RecipientReport[]): Html {
  return markup`<table class="summary">
    <tbody>
      ${recipients.map(
        ({ rcptto, verdict, reply }, i) =>
          markup`<tr>
            <td><a href="#r${i + 1}">${rcptto}</a></td>
            <td class="${verdict}">${verdict}</td>
            <td>${reply.code} ${reply.text}</td>
          </tr>`,
      )}
    </tbody>
  </table>`
}

function sessionTable(session: RunReport['session']): Html {
  return markup`<table>
    <tbody>
      ${session.map(
        ({ command, reply }) =>
          markup`<tr>
            <td><code>${command || '(connect)'}</code></td>
            <td class="${reply.code < 400 ? 'accepted' : 'refused'}">
              <code>${reply.code} ${reply.text}</code>
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`
}

function recipientCard(recipient: RecipientReport, index: number): Html {
  const { rcptto, verdict, reply, reason, context, copy } = recipient
  return markup`<section id="r${index + 1}">
    <h2>${rcptto} <span class="${verdict}">${verdict}</span></h2>
    <p>
      <code>${reply.code} ${reply.text}</code
      >${reason ? markup`<br />reason: <code>${reason}</code>` : ''}
    </p>
    ${context.length > 0 ? fold('Context variables', contextTable(context), true) : ''}
    ${copy ? copyParts(copy) : ''}
  </section>`
}

function contextTable(context: RecipientReport['context']): Html {
  const value = (text: string | undefined): Html =>
    text === undefined ? markup`<i>none</i>` : markup`<code>${text}</code>`
  return markup`<table>
    <tbody>
      ${context.map(
        ({ dictionary, name, before, after, callout, module }) =>
          markup`<tr>
            <td><code>${name}</code><br /><small>${dictionary}</small></td>
            <td>${value(before)} → ${value(after)}<br /><small>${module}: ${callout}</small></td>
          </tr>`,
      )}
    </tbody>
  </table>`
}

function copyParts(copy: CopyText): Html {
  const { header, parts, raw: octets, tracking, bytesBefore, bytesAfter } = copy
  const group = copy.bindingGroup === 'default' ? '' : ` of ${copy.bindingGroup}`
  return markup`<p>
      From <code>${copy.mailfrom || '<>'}</code> to <code>${copy.rcptto}</code>, queue
      <code>${copy.routingDomain}</code>, binding <code>${copy.binding}${group}</code>,
      ${bytesBefore} → ${bytesAfter} octets${copy.bytes === undefined ? ', not sent' : ''}
    </p>
    ${fold('Header', headerDifference(header), true)}
    ${parts.map((part) => fold(partTitle(part), differenceBlock(shortTokens(part.difference)), part.isChanged))}
    ${tracking ? fold('Links', linkTable(tracking), true) : ''}
    ${fold('Octet for octet', differenceBlock(octets), false)}
    ${fold('All variables', variableTable(copy), false)} `
}

function partTitle({ number, type, encoding, isChanged, bytesBefore, bytesAfter }: PartDifference) {
  const what = isChanged
    ? `${bytesBefore} → ${bytesAfter} octets`
    : `the same, ${bytesAfter} octets`
  return `Part ${number}: ${type} (${encoding}), ${what}`
}

function headerDifference({ removed, added }: HeaderDifference): Html {
  if (removed.length + added.length === 0) return markup`<p>The same.</p>`
  const line = (sign: string, kind: string) => (field: HeaderDifference['added'][number]) =>
    markup`<span class="${kind}">${sign} ${field.name}: ${field.value}${'\n'}</span>`
  return markup`<pre>${removed.map(line('-', 'gone'))}${added.map(line('+', 'new'))}</pre>`
}

function shortTokens(difference: Difference): Difference {
  if (typeof difference === 'string') return difference
  return difference.map((hunk) => ({ ...hunk, lines: hunk.lines.map(withoutTokens) }))
}

function differenceBlock(difference: Difference): Html {
  if (typeof difference === 'string') return markup`<p>${difference}</p>`
  if (difference.length === 0) return markup`<p>The same.</p>`
  const kinds: Readonly<Record<string, string>> = { '+': 'new', '-': 'gone', ' ': 'same' }
  const spans = (lines: readonly string[]): Html[] =>
    lines.map(
      (line) => markup`<span class="${kinds[line.slice(0, 1)] ?? 'same'}">${line}${'\n'}</span>`,
    )
  return markup`${difference.map(
    ({ afterLine, lines }) =>
      markup`<p class="place">line ${afterLine}</p><pre>${spans(lines)}</pre>`,
  )}`
}

function linkTable(tracking: TrackingText): Html {
  const { links, pixel, initialPixel, pixels, leftAlone } = tracking
  return markup`<table>
    <tbody>
      ${leftAlone.map(
        ({ part, why }) =>
          markup`<tr>
            <td>${part}</td>
            <td>left alone: ${why}</td>
          </tr>`,
      )}
      ${links.map(
        ({ outcome, form, part, line, target, name, tracked }) =>
          markup`<tr>
            <td class="${outcome === 'tracked' ? 'accepted' : 'discarded'}">
              ${outcome}${form ? ` (${form})` : ''} <br /><small>${part} line ${line}</small>
            </td>
            <td>
              <code>${target}</code>${name ? markup` <b>${name}</b>` : ''}
              ${tracked ? urlFold(tracked.url) : ''}
            </td>
          </tr>`,
      )}
      <tr>
        <td>pixel</td>
        <td>
          ${pixel}${initialPixel === 'off' ? '' : `, initial: ${initialPixel}`}
          ${pixels.map(({ url }) => urlFold(url))}
        </td>
      </tr>
      ${tokenLines(tracking).map(
        (line) =>
          markup`<tr>
            <td>token</td>
            <td><code>${line}</code></td>
          </tr>`,
      )}
    </tbody>
  </table>`
}

/** Tokens are long: all of one is a touch away. */
function urlFold(url: string): Html {
  return markup`<details class="url"><summary>${withoutTokens(url)}</summary>${url}</details>`
}

function variableTable({ variables }: CopyText): Html {
  return markup`<table>
    <tbody>
      ${Object.entries(variables).flatMap(([dictionary, all]) =>
        Object.entries(all).map(
          ([name, value]) =>
            markup`<tr>
              <td><code>${name}</code><br /><small>${dictionary}</small></td>
              <td><code>${value}</code></td>
            </tr>`,
        ),
      )}
    </tbody>
  </table>`
}

function traceList(trace: readonly CalloutTrace[]): Html {
  return markup`<ol class="trace">
    ${trace.map((record) => {
      const [head, ...effects] = calloutLines(record, plain)
      return markup`<li>
        <code>${head}</code>${
          effects.length > 0
            ? markup`<pre>${effects.map((line) => line.trim()).join('\n')}</pre>`
            : ''
        }
      </li>`
    })}
  </ol>`
}
