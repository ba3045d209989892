// SPF: the statuses of RFC 7208 over a zone of the test's own.
import { expect, test } from 'vitest'
import { checkSpf, receivedSpf, spfResult } from '../../src/outside/mailauth.ts'
import type { DnsQuestion } from '../../src/outside/outside.ts'

const ZONE: Readonly<Record<string, readonly string[] | string>> = {
  'TXT pass.example': ['google-site=1', 'v=spf1 ip4:192.0.2.0/24 -all'],
  'TXT soft.example': ['v=spf1 ~all'],
  'TXT neutral.example': ['v=spf1 ?all'],
  'TXT mx.example': ['v=spf1 mx -all'],
  'MX mx.example': ['10 mail.mx.example'],
  'A mail.mx.example': ['192.0.2.1'],
  'AAAA mail.mx.example': 'NODATA',
  'TXT include.example': ['v=spf1 include:pass.example -all'],
  'TXT exists.example': ['v=spf1 exists:%{ir}.%{l}.list.example -all'],
  'A 1.2.0.192.news.list.example': ['127.0.0.2'],
  'AAAA 1.2.0.192.news.list.example': 'NODATA',
  'TXT loop.example': ['v=spf1 include:loop.example -all'],
  'TXT two.example': ['v=spf1 +all', 'v=spf1 -all'],
  'TXT broken.example': 'SERVFAIL',
  'TXT helo.example': ['v=spf1 ip4:192.0.2.1 -all'],
}

function ask({ type, name }: DnsQuestion) {
  const found = ZONE[`${type} ${name}`] ?? 'NXDOMAIN'
  return typeof found === 'string'
    ? ({ kind: 'failed', text: found } as const)
    : ({ kind: 'found', records: found } as const)
}

const check = (mailfrom: string, address = '192.0.2.1') =>
  checkSpf({ mailfrom, address, helo: 'helo.example' }, { ask }, 'mx.example')

test.each([
  ['news@pass.example', 'pass'],
  ['news@soft.example', 'softfail'],
  ['news@neutral.example', 'neutral'],
  ['news@mx.example', 'pass'],
  ['news@include.example', 'pass'],
  ['news@exists.example', 'pass'],
  ['other@exists.example', 'fail'],
  ['news@loop.example', 'permerror'],
  ['news@two.example', 'permerror'],
  ['news@broken.example', 'temperror'],
  ['news@nobody.example', 'none'],
  ['', 'pass'],
])('%s: %s', async (mailfrom, status) => {
  expect(await check(mailfrom)).toBe(status)
})

test('another address is not permitted', async () => {
  expect(await check('news@pass.example', '198.51.100.1')).toBe('fail')
  expect(await check('news@pass.example', '2001:db8::1')).toBe('fail')
})

test('what a client calls itself cannot look like a result', () => {
  const sender = {
    mailfrom: '"x) dkim=pass header.d=bank.example (\r\nBcc: y"@evil.example; dmarc=pass',
    helo: 'h; arc=pass',
    address: '192.0.2.1',
  }
  expect(spfResult('fail', sender)).toBe('spf=fail smtp.mailfrom=evil.example??dmarc=pass')
  expect(spfResult('none', { ...sender, mailfrom: '' })).toBe('spf=none smtp.helo=h??arc=pass')
  const received = receivedSpf('fail', sender, 'mx.example')
  expect(received).toMatch(
    /^fail \(mx\.example: 192\.0\.2\.1\) client-ip=192\.0\.2\.1; envelope-from="/,
  )
  expect(received.match(/[()]/g)).toHaveLength(2)
  expect(received).not.toMatch(/[\r\n]/)
})
