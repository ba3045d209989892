import { expect, test } from 'vitest'
import { isUrl } from '../../src/mail/url.ts'

test.each(['https://bücher.example/ü', 'http://ß/', 'https://e.com/', 'https://例え.jp/'])(
  '%s is a URL, however often that was asked',
  (url) => {
    // URL.canParse thinks otherwise of the first two when it has been compiled.
    for (let i = 0; i < 30_000; i++) if (!isUrl(url)) throw new Error(`not a URL the ${i}th time`)
  },
)

test('what is none is none, whatever its letters', () => {
  for (const text of ['', '/x', 'http://', 'http://a b/', 'http://ü ß/', 'ü'])
    expect(isUrl(text)).toBe(false)
  expect(isUrl('/ü', 'http://e.com/')).toBe(true)
})
