// What callouts did, as it is told to people.
import { time } from './format.js'

/** What callouts did to a copy, one a paragraph. */
export async function traceOf(id, rcptto) {
  const answer = await fetch(`trace/${id.replaceAll('/', '.')}`).catch(() => undefined)
  if (!answer?.ok) return 'No trace of this copy: `eachrcpt ctl trace on` keeps them from now on.'
  const records = await answer.json()
  // The first copy has the id of the whole message.
  const own = records.filter((record) => record.rcptto === '' || record.rcptto === rcptto)
  return own.map(traceText).join('\n\n')
}

function traceText({
  callout,
  module,
  ms,
  result,
  verdict,
  context,
  header,
  body,
  prints,
  outside,
}) {
  const lines = [
    ...(verdict ? [`reply ${verdict.code} ${verdict.text}`] : []),
    ...context.map(({ name, before, after }) => `${name}: ${before ?? '–'} → ${after ?? '–'}`),
    ...header.removed.map((field) => `- ${field}`),
    ...header.added.map((field) => `+ ${field}`),
    ...(body ? [`body: ${body.before} → ${body.after} octets`] : []),
    ...prints.map((text) => `print ${text}`),
    ...outside.map((note) => `outside ${JSON.stringify(note)}`),
  ]
  const head = `${callout}  ${module}  ${time(ms / 1000)}  → ${result}`
  return [head, ...lines.map((line) => `  ${line}`)].join('\n')
}
