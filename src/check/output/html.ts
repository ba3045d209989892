// One self-contained page: no script, no request, readable on a phone and on paper.
import type { Checked } from '../check.ts'
import { type Finding, RULES } from '../finding.ts'
import { locate, SUPPORT_TEXTS, SUPPORTS, type UsedName, usedNames } from './names.ts'
import { STYLE } from './style.ts'

export function htmlText(checked: Checked, version: string): string {
  const { summary, findings } = checked
  const { files, errors, warnings, readiness } = summary
  const title = `Policy check: ${readiness} % ready`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Policy check</h1>
<p class="ready"><strong>${readiness} %</strong> ready</p>
<p class="bar" role="img" aria-label="${readiness} per cent of the names that are used work"><span style="width:${readiness}%"></span></p>
<p>${plural(files, 'file')}, <b class="error">${plural(errors, 'error')}</b>, <b class="warning">${plural(warnings, 'warning')}</b></p>
</header>
<main>
${findingsHtml(findings)}
${usesHtml(usedNames(checked))}
</main>
<footer>eachrcpt ${escape(version)}. Readiness: the share of names of the API that are used and work here.</footer>
</body>
</html>
`
}

function findingsHtml(findings: readonly Finding[]): string {
  if (findings.length === 0) return '<section><h2>Findings</h2><p>Nothing was found.</p></section>'
  const byFile = new Map<string, Finding[]>()
  for (const one of findings) byFile.set(one.file, [...(byFile.get(one.file) ?? []), one])
  const files = [...byFile].map(([file, list]) => {
    const items = list.map(findingHtml).join('\n')
    return `<h3>${escape(file)}</h3>\n<ul class="findings">\n${items}\n</ul>`
  })
  return `<section><h2>Findings</h2>\n${files.join('\n')}\n</section>`
}

function findingHtml({ file, line, column, level, rule, message, doc }: Finding): string {
  const note = doc === '' ? '' : `<code class="doc">${escape(doc)}</code>`
  return `<li class="${level}"><p><b class="${level}">${level}</b> <code>${escape(locate({ file: file.replace(/^.*\//, ''), line, column }))}</code> <span class="rule" title="${escape(RULES[rule][1])}">${rule}</span></p><p>${escape(message)}</p>${note}</li>`
}

function usesHtml(names: readonly UsedName[]): string {
  const groups = SUPPORTS.map((support) => {
    const these = names.filter((one) => one.support === support)
    if (these.length === 0) return ''
    const isOpen = support === 'supported' ? '' : ' open'
    const items = these.map(nameHtml).join('\n')
    const head = `<summary><b class="${support}">${support}</b> ${these.length}: ${SUPPORT_TEXTS[support]}</summary>`
    return `<details${isOpen}>${head}\n<ul class="names">\n${items}\n</ul></details>`
  })
  return `<section><h2>What is used of the API</h2>\n${groups.filter(Boolean).join('\n')}\n</section>`
}

function nameHtml({ name, instead, doc, places }: UsedName): string {
  const where = places.map((place) => `<code>${escape(locate(place))}</code>`).join(' ')
  const text = instead === '' ? '' : `<p>${escape(instead)}</p>`
  const note = doc === '' ? '' : `<code class="doc">${escape(doc)}</code>`
  return `<li><p><code class="name">${escape(name)}</code> ${places.length}×</p>${text}${note}<p class="places">${where}</p></li>`
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
}
