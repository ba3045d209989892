// A suppression list in SQLite, asked at RCPT over a real session.
import { afterEach, expect, test } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
afterEach(() => server.close())

const POLICY = `
  require("msys.db") require("msys.datasource")
  local mod = {}
  function mod:init()
    msys.db.execute("prefs", "create table if not exists suppressed (address text primary key, note text)")
    msys.db.execute("prefs", "insert or replace into suppressed values (?, ?)", { "anna@rcpt.example", "asked us to" })
    return true
  end
  function mod:validate_rcptto(msg, str, ac, vctx)
    local row = msys.db.fetch_row("prefs", "select note from suppressed where address = ?", { msg:rcptto() })
    if row then vctx:set_code(550, "5.7.1 " .. row.note) end
    return msys.core.VALIDATE_CONT
  end
  msys.registerModule("suppression", mod)`

test('policy refuses who is on the list', async () => {
  server = await startServer({
    policy: { suppression: POLICY },
    more: 'datasource "prefs" { uri = ( "sqlite:prefs.db" ) }',
  })
  const wire = await server.dial()
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  await wire.ask('MAIL FROM:<news@sender.example>', '250')
  expect(await wire.ask('RCPT TO:<anna@rcpt.example>', '550')).toBe('550 5.7.1 asked us to')
  await wire.ask('RCPT TO:<bert@rcpt.example>', '250')
  await server.reload((text) => text)
  await wire.ask('RCPT TO:<cora@rcpt.example>', '250')
  wire.end()
  await wire.ended
})
