import { expect, test } from 'vitest'
import { growthOf, youngOptions } from '../../src/cli/heap.ts'

const MAX = '--max-semi-space-size='
const MIN = '--min-semi-space-size='

test.each([
  [[], [`${MAX}64`, `${MIN}64`]],
  [['--max-old-space-size=1536'], [`${MAX}64`, `${MIN}64`]],
  [[`${MAX}16`], [`${MIN}16`]],
  [['--max_semi_space_size=128'], [`${MIN}128`]],
  [[`${MIN}8`], [`${MAX}64`]],
  [[`${MAX}32`, `${MIN}8`], []],
])('told %j, workers also get %j', (told, added) => {
  expect(youngOptions(told)).toEqual(added)
})

test('a small heap may hold more garbage, one of a long queue as much as V8 finds right', () => {
  expect(growthOf(30e6)).toBe(300)
  expect(growthOf(300e6)).toBe(0)
})
