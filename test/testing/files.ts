// Files of tests from their text, run in a folder of their own.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runFile } from '../../src/testing/runner.ts'
import type { FileResult } from '../../src/testing/suite.ts'
import { failureLines } from '../../src/testing/textreport.ts'

const SUGAR = new URL('../../lua/testing.lua', import.meta.url)

/** Recipients at `blocked` are refused at RCPT; all others get a header field and a variable. */
export const POLICY = `
local mod = {}
function mod:validate_rcptto(msg, str, ac, vctx)
  if string.match(tostring(str), "@blocked%.") then vctx:set_code(550, "5.7.1 no thanks") end
  return msys.core.VALIDATE_CONT
end
function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
  if string.match(msg:rcptto(), "^raise@") then error("oh no") end
  msg:header("X-Group", "one")
  msg:context_set(msys.core.ECMESS_CTX_MESS, "who", msg:rcptto())
  print("saw " .. msg:rcptto())
  return msys.core.VALIDATE_CONT
end
msys.registerModule("policy", mod)`

/** `test.lua`, and a policy beside it. */
export async function runTests(
  source: string,
  {
    files = {},
    filter,
    timeoutMs = 10_000,
  }: { files?: Readonly<Record<string, string>>; filter?: string; timeoutMs?: number } = {},
): Promise<FileResult> {
  const folder = await mkdtemp(join(tmpdir(), 'eachrcpt-tests-'))
  const all = { 'policy.lua': POLICY, 'test.lua': source, ...files }
  for (const [name, text] of Object.entries(all)) await writeFile(join(folder, name), text)
  try {
    let nowMs = 0
    return await runFile(join(folder, 'test.lua'), {
      searchPath: [],
      sugar: await readFile(SUGAR),
      filter,
      timeoutMs,
      clock: () => (nowMs += 1),
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Of each test its name and what became of it: `name: passed`, or the lines of its failure. */
export function outcomes({ tests, file }: FileResult): string[] {
  const folder = file.replace(/test\.lua$/, '')
  return tests.map((test) => {
    const { path, outcome } = test
    const lines = failureLines(test, file).map((line) => line.replaceAll(folder, ''))
    return `${path.join(' › ')}: ${outcome.kind === 'failed' ? lines.join('\n') : outcome.kind}`
  })
}
