// A browser for tests: Debian's chromium. Where it is missing the test is skipped, and says so; with CI=true
// that is a failure.
import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

const PROGRAM = '/usr/bin/chromium'

export const hasBrowser = existsSync(PROGRAM)
if (!hasBrowser && process.env['CI']) throw new Error('chromium is missing')

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: PROGRAM, args: ['--no-sandbox'] })
}
