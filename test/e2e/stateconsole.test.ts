// The console about what policy counts and keeps, as `eachrcpt ctl` asks it.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from '../../src/console/console.ts'
import { sendOne, serverPerTest, type TestServer } from '../support/server.ts'

const start = serverPerTest()

const asker = (server: TestServer) => async (command: string) => {
  const options = { server: server.server, now: Date.now, pages: [], shutdown: () => {} }
  const { text, isOk } = await runCommand(options, command.split(' '))
  return isOk ? text : `NO ${text}`
}

const POLICY = {
  p: `require("msys.counter") require("msys.audit_series") require("msys.cidr") require("msys.db")
    local mod = {}
    function mod:init()
      msys.audit_series.define("bad", "cidr", 60, 5)
      msys.audit_series.define("senders", "string", 60, 5)
      msys.cidr.define("empty", "empty")
      msys.cidr.define("list", { type = "rbldnsd", source = "list.rbl", refresh = 600, value = "txt" })
      return true
    end
    function mod:validate_data(msg, ac)
      msys.counter.inc("/site/mails")
      msys.audit_series.add("bad", ac)
      msys.audit_series.add("senders", msg:mailfrom())
      print("row " .. msys.db.fetch_row("prefs", "select 7 as n", {}).n)
      print("list " .. tostring(msys.cidr.query("list", "192.0.2.9")))
      return 0
    end
    msys.registerModule("p", mod)`,
}

async function running() {
  const server = await start({
    policy: POLICY,
    more: 'inbound_audit { monitors = ( "300,2" ) } datasource "prefs" { uri = ( "sqlite::memory:" ) }',
  })
  await writeFile(join(server.folder, 'list.rbl'), ':127.0.0.2:listed\n192.0.2.0/24\n')
  return server
}

test('counter', async () => {
  const server = await running()
  const ask = asker(server)
  await sendOne(server, ['a@x.example'])
  expect(await ask('counter list')).toMatch(
    /^VALUE {2}RESET_TIME +SEMANTICS {2}COUNTER\n1 {6}\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d {2}relaxed {4}\/site\/mails\n1 counters listed\.\n$/,
  )
  expect(await ask('counter add /site/mails 5')).toBe('/site/mails = 6\n')
  expect(await ask('counter increment /site/other')).toBe('/site/other = 1\n')
  expect(await ask('counter reset /site/mails')).toBe('/site/mails = 0\n')
  expect(await ask('counter unlink /site/mails')).toBe('/site/mails = 0\n')
  expect(await ask('counter list')).not.toContain('/site/mails')
  expect(await ask('counter add /site/mails')).toMatch(/^NO usage: counter list/)
  expect(await ask('counter add /site/mails x')).toMatch(/^NO usage/)
})

test('inbound_audit', async () => {
  const server = await running()
  const ask = asker(server)
  await sendOne(server, ['a@x.example', 'b@x.example'])
  expect(await ask('inbound_audit show ip 127.0.0.0/8')).toBe(
    'Connections 300/0: 1\nConnections 300/1: 0\nReceptions 300/0: 2\nReceptions 300/1: 0\nRejections 300/0: 0\nRejections 300/1: 0\n',
  )
  expect(await ask('inbound_audit show ip 10.0.0.0/8')).toContain('Connections 300/0: 0')
  expect(await ask('inbound_audit show all')).toBe(
    'address,monitor,connections,receptions,rejections\n127.0.0.1,"300,2",1,2,0\n',
  )
  expect(await ask('inbound_audit count_cidr 127.0.0.0/24 bad 60,5 0 4')).toBe('1\n')
  expect(await ask('inbound_audit add bad 60,5 192.0.2.7 3')).toBe('192.0.2.7 = 3\n')
  expect(await ask('inbound_audit subtract bad 60,5 192.0.2.7 1')).toBe('192.0.2.7 = 2\n')
  expect(await ask('inbound_audit count_cidr 0.0.0.0/0 bad 60,5 0 4')).toBe('3\n')
  expect(await ask('inbound_audit delete_ip 192.0.2.7 bad 60,5')).toBe('192.0.2.7 = 0\n')
  expect(await ask('inbound_audit count_cidr news@sender.example senders 60,5 0 0')).toBe('1\n')
  expect(await ask('inbound_audit count_cidr 127.0.0.1 none 60,5 0 0')).toBe(
    'NO there is no series none\n',
  )
  expect(await ask('inbound_audit count_cidr 127.0.0.1 bad 60,9 0 0')).toBe(
    'NO series bad has the parameters 60,5\n',
  )
  expect(await ask('inbound_audit add bad 60,5 nobody 3')).toBe('NO nobody is no address\n')
  expect(await ask('inbound_audit')).toMatch(/^NO usage: inbound_audit show all/)
})

test('ds_core and cidrdb', async () => {
  const server = await running()
  const ask = asker(server)
  expect(await ask('cidrdb list')).toMatch(/^empty\nlist \[refresh in \d+ seconds\]\n$/)
  expect(await ask('cidrdb reload list')).toBe('list reloaded\n')
  for (const to of ['a@x.example', 'b@x.example']) await sendOne(server, [to])
  expect(await server.log('paniclog.ec')).toMatch(/list listed\n/)
  expect(await ask('ds_core stats')).toBe(
    'CACHE  ELTS  HIT  MISS  INSERTS  MAN  TTL  LRU\nprefs  1     1    1     1        0    0    0\n',
  )
  expect(await ask('ds_core flush prefs')).toBe("flushed 1 entries from cache 'prefs'\n")
  expect(await ask('ds_core stats')).toMatch(/prefs {2}0 .* 1 {4}0 {4}0\n$/)
  expect(await ask('ds_core flush none')).toBe('NO there is no datasource "none"\n')
  expect(await ask('cidrdb reload none')).toBe('NO there is no table "none"\n')
})

test('config', async () => {
  const server = await running()
  const ask = asker(server)
  expect(await ask('config get suspend_delivery')).toBe(
    "Option 'suspend_delivery' is not set in scope ''.\n",
  )
  expect(await ask('config eval suspend_delivery')).toBe('suspend_delivery = false\n')
  expect(await ask('config set suspend_delivery = true')).toBe('suspend_delivery = true\n')
  await sendOne(server, ['a@x.example'])
  expect([...server.server.mail.unfinished()]).toHaveLength(1)
  expect(await ask('config unset suspend_delivery')).toBe('suspend_delivery unset\n')
  await server.sink.waitFor(1, 10_000)
  expect(await ask('config set hostname x')).toMatch(/^NO option "hostname" cannot be changed/)
  expect(await ask('config get frob')).toMatch(/^NO unknown option/)
  expect(await ask('config')).toMatch(/^NO usage: config get/)
  expect(await ask('help')).toContain('counter list')
})
