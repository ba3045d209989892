import { expect, test } from 'vitest'
import { youngOptions } from '../../src/cli/heap.ts'

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
