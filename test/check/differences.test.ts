// The statement of differences is made from the table of the API, and the README holds it as it is.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { differences } from '../../src/check/differences.ts'
import { API } from '../../src/msys/table.ts'

test('every difference, gap and stub of the API is in it', () => {
  const text = differences()
  for (const { name, support, differs } of API) {
    if (differs !== undefined || support !== 'full') expect(text, name).toContain(`\`${name}\``)
  }
})

test('lua/README.md holds it as it is now', () => {
  const readme = readFileSync(new URL('../../lua/README.md', import.meta.url), 'utf8')
  expect(readme, 'run npm run docs').toContain(differences())
})
