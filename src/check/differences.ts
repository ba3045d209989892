// The statement of differences to Momentum: what was decided where it differs or is silent, and from the
// table of the API what differs or never comes. Written into lua/README.md.
import { API } from '../msys/table.ts'
import { UNAVAILABLE_MODULES } from '../msys/unavailable.ts'
import { laterCallouts } from '../policy/phases.ts'

/** Markdown, without a heading of its own. */
export function differences(): string {
  const differing = API.filter(({ differs }) => differs !== undefined)
  return [
    'What was decided, where Momentum does otherwise or its documentation is silent:',
    table('| point | here |', DECISIONS),
    `What differs in functions (${differing.length}):`,
    table(
      '| name | difference |',
      differing.map(({ name, differs = '' }) => [`\`${name}\``, differs]),
    ),
    `Callouts that are not run yet; a script that has one is told so: ${laterCallouts()
      .map((name) => `\`${name}\``)
      .join(' ')}, and those of mobile products.`,
    'What belongs to other products or to the inside of Momentum; it can be required, and raises when it is called:',
    table('| names | why |', [...byReason()]),
  ].join('\n\n')
}

const DECISIONS: readonly (readonly [point: string, here: string])[] = [
  [
    'A callout returns nothing',
    'two lines in paniclog, then as `VALIDATE_CONT`; `on_bad_return = tempfail` refuses temporarily. A value that is no verdict refuses temporarily',
  ],
  [
    'A callout raises, or its budget ends',
    '`421 … temporary issue, please retry your message later`; nothing of that message is queued, the connection stays',
  ],
  [
    'A 4xx or 5xx code is set, then `VALIDATE_CONT`',
    'the code stands, other scripts of the phase do not run',
  ],
  [
    'The transform fails for one copy',
    'its reply is that of the whole message, nothing is queued for anybody',
  ],
  ['Order of scripts', 'that of their stanzas'],
  ['Several scripts with the same hook', 'all run'],
  ['`init`', 'must return true; 0 passes with a warning'],
  ['The null sender', '`msg:mailfrom()` gives `""`'],
  ['`msg:header(name, value)`', 'replaces; nil deletes, like `""`'],
  ['`vctx:set(VCTX_MESS, …)` for a copy', "writes that copy's dictionary"],
  ['`vctx:get(type, nil)`', '`""`, and a line in paniclog'],
  [
    'Constants',
    'numbers of our own where none is documented; one that does not exist raises and names itself',
  ],
  ['`msg:binding()` outside `validate_set_binding`', 'raises'],
  [
    'Objects that are gone',
    'a message, copy or context that policy kept says `message is gone (…)`',
  ],
  [
    '`XSETCONTEXT`',
    'any variable but those of `xsetcontext_deny`; those that grant something grant nothing',
  ],
  ['X-MSYS-API', 'always removed before mail goes on'],
  [
    'Expired links',
    'still lead to their target, without an event. A bad link is a 404 without redirect',
  ],
  ['Tokens', 'are sealed: they need no store, and hold no address in clear'],
  ['Limits', '50 MB, 1,000 recipients, 300 s idle, 20 bad commands, where Momentum has none'],
  ['Bare line feeds', 'are mended in bodies, never passed on'],
  [
    'Globals',
    'one Lua state for each worker: globals are shared by its sessions, not between workers',
  ],
  ['Weak tables and finalizers', 'do not exist'],
  ['A tracked link', 'at most 10,000 in a part, else it goes out untracked'],
]

function table(head: string, rows: readonly (readonly string[])[]): string {
  const lines = rows.map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  )
  return [head, '| --- | --- |', ...lines].join('\n')
}

function byReason(): ReadonlyMap<string, string> {
  const byWhy = new Map<string, string[]>()
  const put = (why: string, name: string): void => {
    byWhy.set(why, [...(byWhy.get(why) ?? []), `\`${name}\``])
  }
  for (const one of API) if (one.support === 'unavailable') put(one.doc, one.name)
  for (const [name, why] of Object.entries(UNAVAILABLE_MODULES)) put(why, name)
  return new Map([...byWhy].map(([why, names]) => [names.join(' '), why]))
}
