// The look of a page: light or dark as the reader has it, one column on a phone.

export const CSS = `
:root { color-scheme: light dark; --line: #d4d4dc; --soft: #6b6b76; --good: #17693a; --bad: #b3261e;
  --warn: #8a5a00; --new: #e3f5e8; --gone: #fbe6e4; --card: #fff; --page: #f5f5f8; --text: #1b1b20 }
@media (prefers-color-scheme: dark) { :root { --line: #3a3a44; --soft: #a0a0ac; --good: #7fd6a0; --bad: #ff9d94;
  --warn: #f0c06a; --new: #16351f; --gone: #43201d; --card: #1f1f26; --page: #15151a; --text: #ececf1 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 64rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.1rem; margin: 0 0 .3rem }
header p, footer, small, .place { color: var(--soft) } p { margin: .3rem 0 } footer { margin: 2rem 0 }
section, details { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem;
  margin: .7rem 0 }
section { scroll-margin-top: 1rem } section details { margin: .5rem 0 0; background: none }
summary { cursor: pointer; font-weight: 600 }
table { width: 100%; border-collapse: collapse } td { padding: .3rem .5rem .3rem 0; vertical-align: top;
  border-top: 1px solid var(--line) } tr:first-child td { border-top: 0 }
td:first-child { width: 34% } table.summary { background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; border-collapse: separate; border-spacing: 0; padding: .3rem .7rem; margin: .7rem 0 }
pre, code { font: 13px/1.45 ui-monospace, monospace } pre { margin: .4rem 0 0; white-space: pre-wrap }
pre span { display: block; margin: 0 -.2rem; padding: 0 .2rem; min-height: 1.45em }
.new { background: var(--new) } .gone { background: var(--gone) } .place { font-size: .85rem; margin-top: .6rem }
table.summary td:nth-child(2) { white-space: nowrap }
.accepted { color: var(--good) } .refused, .failed, .bad { color: var(--bad) }
.discarded, .removed { color: var(--warn) } section details.url { border: 0; padding: 0; margin: .2rem 0 0; font-size: .8rem; color: var(--soft);
  word-break: break-all } .url summary { font-weight: 400 } a { color: inherit }
ol.trace { padding-left: 1.4rem } ol.trace li { margin: .5rem 0 }
`
