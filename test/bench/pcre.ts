// What a match of msys.pcre costs beside the same one of JavaScript's RegExp, which is compiled to machine
// code but has no budget: time for each, and their ratio. Run:
//   npm run bench -- pcre
import { match } from '../../src/msys/pcre/text.ts'
import { median } from './engines.ts'

const LINE =
  'Lorem ipsum dolor, <a href="http://example.com/path?x=1&y=2">click here</a> consectetur.\r\n'
const BODY = LINE.repeat(230)

/** Name, pattern, subject; the body has 20 KB. */
const CASES: readonly (readonly [name: string, pattern: string, subject: string])[] = [
  ['an address', '^<?([\\w.-]+)@([\\w.-]+\\.[a-z]{2,})>?$', '<john.doe@mail.example.com>'],
  ['a word that is not there', 'unsubscribe', BODY],
  ['five words, any case', '(?i)(?:lottery|winner|prize|casino|bitcoin)', BODY],
  ['word borders', '\\bcasino\\b|bitcoin', BODY],
  ['a lazy run to what is not there', '(?s)<a .*?</html>', BODY],
  ['anything before a word', '.*foobar', BODY],
  ['an address in a text', '[\\w.%+-]+@[\\w.-]+\\.[A-Za-z]{2,}', BODY],
]
const ROUNDS = 7

for (const [name, pattern, subject] of CASES) {
  const flags = [/\(\?i\)/.test(pattern) && 'i', /\(\?s\)/.test(pattern) && 's'].filter(Boolean)
  const regexp = new RegExp(pattern.replace(/^\(\?[is]\)/, ''), flags.join(''))
  const runs = subject === BODY ? 50 : 20_000
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = -1; round < ROUNDS; round++) {
    const [mine, other] = [
      micros(runs, () => match(subject, pattern)),
      micros(runs, () => regexp.exec(subject)),
    ]
    if (round < 0) continue
    ours.push(mine)
    theirs.push(other)
  }
  const [a, b] = [median(ours), median(theirs)]
  console.log(
    `${name.padEnd(34)} ${a.toFixed(2)} us, RegExp ${b.toFixed(2)} us: ${(a / b).toFixed(1)}`,
  )
}

const start = performance.now()
try {
  match(`${'a'.repeat(50)}b`, '(a+)+$')
} catch (error) {
  const text = error instanceof Error ? error.message : ''
  console.log(`(a+)+$ ${text} after ${(performance.now() - start).toFixed(0)} ms`)
}

function micros(runs: number, run: () => unknown): number {
  const begin = performance.now()
  for (let i = 0; i < runs; i++) run()
  return ((performance.now() - begin) * 1000) / runs
}
