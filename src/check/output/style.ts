// How the page looks: light and dark as the reader's system is, one column, no fonts to load.

export const STYLE = `
:root { color-scheme: light dark; --line: #8884; --dim: #667; --error: #b3261e; --warning: #8a5a00; --info: #1b5e8a; --good: #1d6b34 }
@media (prefers-color-scheme: dark) { :root { --dim: #9aa; --error: #ff8a80; --warning: #ffc069; --info: #82c7f5; --good: #7fd99a } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem } h3 { font-size: 1rem; margin: 1.5rem 0 .5rem }
p { margin: .25rem 0 }
code { font: .875em/1.5 ui-monospace, monospace }
.ready strong { font-size: 2.5rem; line-height: 1.2 }
.bar { height: .5rem; background: var(--line); border-radius: .25rem; overflow: hidden }
.bar span { display: block; height: 100%; background: var(--good) }
ul { list-style: none; margin: 0; padding: 0 }
li { border-left: .25rem solid var(--line); padding: .25rem .75rem; margin: .5rem 0 }
li.error { border-color: var(--error) } li.warning { border-color: var(--warning) } li.info { border-color: var(--info) }
b.error, b.missing, b.stub { color: var(--error) } b.warning, b.unknown { color: var(--warning) } b.info, b.partial { color: var(--info) } b.supported { color: var(--good) }
.rule, .doc, .places, footer { color: var(--dim) }
.doc { display: block } .name { font-weight: 600 }
summary { cursor: pointer; padding: .5rem 0 }
footer { margin-top: 2rem; border-top: 1px solid var(--line); padding-top: .5rem; font-size: .875rem }
@media print { details > ul { display: block } }
`
