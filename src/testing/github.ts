// Annotations of GitHub Actions: commands on standard output that mark the failing lines in a pull request.
import { type FileResult, title } from './suite.ts'
import { failureLines } from './textreport.ts'

export function githubText(files: readonly FileResult[]): string {
  return files
    .flatMap(({ file, tests }) =>
      tests.map((test) => {
        const { outcome } = test
        if (outcome.kind !== 'failed') return ''
        const line = outcome.line ?? test.line
        const place = [
          `file=${property(outcome.file ?? file)}`,
          ...(line === undefined ? [] : [`line=${line}`]),
          `title=${property(title(test.path))}`,
        ]
        return `::error ${place.join(',')}::${data(failureLines(test, file).join('\n'))}\n`
      }),
    )
    .join('')
}

/** As the runner unescapes it. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
