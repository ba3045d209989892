// Every function, method and field of the table is used somewhere in the tests, the examples or the bundled
// policies: what is new comes with its use, not only with its errors, which arguments.test.ts has for all.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isMethod, memberOf, ownerOf } from '../../src/msys/declaration.ts'
import { API } from '../../src/msys/table.ts'

const ROOT = new URL('../..', import.meta.url).pathname
/** They go through the table themselves. */
const GENERIC = /\/(?:arguments|table|uses)\.test\.ts$/

const text = ['test', 'examples', 'policy']
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
      join(ROOT, folder, file),
    ),
  )
  .filter((file) => /\.(?:ts|lua)$/.test(file) && !GENERIC.test(file))
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n')

const used = new Set(text.match(/[.:]\w+/g))
/** Also by another name of its module. */
const called = new Set(text.match(/\w+(?=\s*[({"])/g))
const paths = text.match(/\w+(?:\.\w+)+/g) ?? []
const named = new Set(paths.map((path) => path.split('.').slice(-2).join('.')))

test('everything that policy may use is used in a test', () => {
  const unused = API.filter((declaration) => {
    const { support, parameters } = declaration
    const member = memberOf(declaration)
    const owner = ownerOf(declaration).split('.').at(-1) ?? ''
    if (support !== 'full') return false
    if (!parameters) return !used.has(`.${member}`)
    if (isMethod(declaration)) return ![`:${member}`, `.${member}`].some((name) => used.has(name))
    return !called.has(member) && !named.has(`${owner}.${member}`)
  })
  expect(unused.map(({ name }) => name)).toEqual([])
})
