// `eachrcpt token decode`: links of a server and of a rehearsal, opened by hand.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { token } from '../../src/cli/token.ts'
import { openKeyring } from '../../src/tracking/keyring.ts'
import { openSealer } from '../../src/tracking/token.ts'

const SECRET = '000102030405060708090a0b0c0d0e0f'
let folder = ''
let config: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-token-'))
  const file = join(folder, 'e.conf')
  await writeFile(file, `engagement_tracker { tracking_keys = [ a = "${SECRET}" ] }\n`)
  config = ['--config', file]
})
afterAll(() => rm(folder, { recursive: true }))

async function decode(args: readonly string[], input = '') {
  let stdout = ''
  let stderr = ''
  const code = await token(['decode', ...args], {
    write: (chunk) => void (stdout += chunk),
    complain: (line) => void (stderr += `${line}\n`),
    readInput: () => Promise.resolve(Buffer.from(input)),
    isColoured: false,
  })
  return { code, stdout, stderr }
}

function sealed() {
  const sealer = openSealer(openKeyring([{ secret: Buffer.from(SECRET, 'hex') }]), Buffer.alloc(16))
  const { full } = sealer.recipient({
    messageId: '0123456789abcdef0123',
    rcptTo: 'anna@a.example',
    rawRcptTo: 'Anna@a.example',
    campaignId: 'spring',
    tags: ['x'],
    expirySeconds: 1_800_000_000,
  })
  return {
    click: `${sealer.link('https://e.com/?a=1', 'order', 'click', 'promo')}/${full}`,
    open: `${sealer.link('', '', 'open', '')}/${full}`,
  }
}

describe('token decode', () => {
  test('says what a link says', async () => {
    const { click } = sealed()
    const { code, stdout } = await decode([`https://t.example/f/promo/${click}`, ...config])
    expect(code).toBe(0)
    expect(stdout).toBe(
      [
        'action   click',
        'target   https://e.com/?a=1',
        'name     order',
        'says     messageId=0123456789abcdef0123 rawRcptTo=Anna@a.example rcptTo=anna@a.example ' +
          'campaignId=spring tags=["x"] expires=2027-01-15T08:00:00Z',
        '',
      ].join('\n'),
    )
  })

  test.each([
    ['a path', (path: string) => [[`/q/${path}`], ''] as const],
    ['the bare parts', (path: string) => [[path], ''] as const],
    ['standard input', (path: string) => [['-'], `http://t.example/q/${path}\n`] as const],
  ])('takes %s', async (_, spell) => {
    const [args, input] = spell(sealed().open)
    const { stdout } = await decode([...args, ...config, '--json'], input)
    expect(JSON.parse(stdout)).toEqual({
      action: 'open',
      target: '',
      name: 'Raw URL',
      messageId: '0123456789abcdef0123',
      rcptTo: 'anna@a.example',
      rawRcptTo: 'Anna@a.example',
      campaignId: 'spring',
      tags: ['x'],
      expires: '2027-01-15T08:00:00.000Z',
    })
  })

  test('tells a foreign token from a damaged one', async () => {
    const { click } = sealed()
    const foreign = await decode([`/f/promo/${click}`])
    expect(foreign).toMatchObject({ code: 65, stdout: '' })
    expect(foreign.stderr).toMatch(/none of our keys/)
    const damaged = await decode([`/f/promo/${click.slice(0, -4)}`, ...config])
    expect(damaged.code).toBe(65)
    expect(damaged.stderr).toMatch(/damaged/)
  })

  test('knows how it is used', async () => {
    expect((await decode([])).code).toBe(2)
    expect((await decode(['x', '--nonsense'])).code).toBe(2)
    expect((await decode(['--help'])).stdout).toMatch(/^usage: /)
    expect((await decode(['x', '--config', join(folder, 'none.conf')])).code).toBe(78)
  })
})
