// What policy keeps beside `self`, and what its callouts hold.
import { writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { policyOf, subjectOf } from '../support/policy.ts'

test('_TLS lasts as long as its session and is shared by its modules', async () => {
  const module = (name: string) => `
    local mod = {}
    function mod:validate_data(msg, ac, vctx)
      _TLS.count = (_TLS.count or 0) + 1
      _OSTLS.count = (_OSTLS.count or 0) + 1
      print("${name}", _TLS.count, _OSTLS.count)
      return msys.core.VALIDATE_CONT
    end
    msys.registerModule("${name}", mod)`
  const { policy, panics, close } = await policyOf({ a: module('a'), b: module('b') })
  const [first, second] = [policy.openSession(), policy.openSession()]
  for (const session of [first, first, second])
    await session.run('validate_data', subjectOf().subject)
  expect(panics).toEqual([
    'scriptlet: a\t1\t1',
    'scriptlet: b\t2\t2',
    'scriptlet: a\t3\t3',
    'scriptlet: b\t4\t4',
    'scriptlet: a\t1\t5',
    'scriptlet: b\t2\t6',
  ])
  await close()
})

test('a lock that a callout forgets does not stop the next session', async () => {
  const { policy, panics, close } = await policyOf({
    a: `
      local mutex = thread.mutex()
      msys.registerModule("a", { validate_data = function()
        mutex:lock()
        return msys.core.VALIDATE_CONT
      end })`,
  })
  for (let i = 0; i < 2; i++) {
    expect(await policy.openSession().run('validate_data', subjectOf().subject)).toEqual({
      kind: 'done',
    })
  }
  expect(panics).toEqual([
    'scriptlet: validate_data: ended with a mutex locked; it is unlocked now',
  ])
  await close()
})

test('a script reads the lists that it knows by paths of another machine', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'eachrcpt-lists-'))
  await writeFile(join(folder, 'psl.txt'), 'com\nco.uk\n')
  const { panics, close } = await policyOf(
    {
      a: `
        for suffix in io.lines("/opt/msys/ecelerity/etc/psl.txt") do print(suffix) end
        print(io.open("/etc/passwd"))
        msys.registerModule("a", { validate_data = print })`,
    },
    { files: { pathMap: new Map([['/opt/msys/ecelerity/etc', folder]]), environment: [] } },
  )
  expect(panics).toEqual([
    'scriptlet: com',
    'scriptlet: co.uk',
    'scriptlet: nil\t/etc/passwd: Permission denied (not below the folders that scripts may read)\t13',
  ])
  await close()
  await rm(folder, { recursive: true })
})
