// The text tools, from Lua: each snippet is the body of a callout.
import { describe, expect, test } from 'vitest'
import type { Dict } from '../../src/msys/dict.ts'
import { installMsys } from '../../src/msys/install.ts'
import { testHost } from '../lua/host.ts'
import { policyOf, runLua, subjectOf } from '../support/policy.ts'
import { NO_SERVICES } from '../support/services.ts'

async function expectSaid(code: string, expected: string | RegExp) {
  const { said } = await runLua(code)
  if (typeof expected === 'string') expect(said).toBe(expected)
  else expect(said).toMatch(expected)
}

describe('msys.pcre', () => {
  test.each<[string, string | RegExp]>([
    [
      'local m = msys.pcre.match("a=b", "(\\\\w)=(?P<v>\\\\w)") say(m[0], m[1], m.v, #m)',
      'a=b a b 2',
    ],
    ['say(msys.pcre.match("a", "b"))', 'nil'],
    ['say(msys.pcre.match("a", ""))', 'nil an empty pattern was provided 0'],
    ['say(msys.pcre.match("a", "b("))', 'nil missing ) 2'],
    ['say(msys.pcre.match(15, 5)[0])', '5'],
    [
      'msys.pcre.match("a")',
      /msys\.pcre\.match: bad argument #2 \(string expected, got nil\): pattern/,
    ],
    ['msys.pcre.match({}, "a")', /bad argument #1 \(string expected, got table\): subject/],
    ['say(msys.pcre.replace("a b", "(\\\\w) (\\\\w)", "$2 ${1}"))', 'b a'],
    ['say(msys.pcre.replace("aaa", "a", "b", 2))', 'bba'],
    ['say(msys.pcre.replace("k1", "\\\\d", function(m) return m[0] + 1 end))', 'k2'],
    ['say(msys.pcre.replace("k1", "\\\\d", function() return nil end))', 'k1'],
    ['say(msys.pcre.replace("k1", "k(", "x"))', 'nil missing ) 2'],
    ['say(msys.pcre.replace("k1", "k(", function() end))', 'nil missing ) 2'],
    [
      'msys.pcre.replace("k", "k", function() return {} end)',
      /invalid replacement value \(a table\)/,
    ],
    ['msys.pcre.replace("k", "k", function() error("mine") end)', /ERROR .*mine/],
    [
      'msys.pcre.replace("k", "k", true)',
      /string or function expected, got boolean\): replacement/,
    ],
    ['say(msys.pcre.split("a, b,,c", "[, ]+"))', '{a,b,c}'],
    ['say(msys.pcre.split("a b c", " ", 2.9))', '{a,b c}'],
    ['say(msys.pcre.split("a", "("))', 'nil missing ) 1'],
    [
      'msys.pcre.match(("a"):rep(100) .. "b", "(a+)+$")',
      /match limit exceeded by the pattern '\(a\+\)\+\$'/,
    ],
  ])('%s', expectSaid)

  test('a function that replaces may suspend', async () => {
    const { state, wait } = testHost()
    installMsys(state, NO_SERVICES)
    state.setGlobal('later', (value) => Promise.resolve(value))
    const upper = 'function(m) return later(m[0]):upper() end'
    expect(await wait(`return msys.pcre.replace("a-b", "\\\\w", ${upper})`)).toEqual(['A-B'])
    const broken = 'function(m) later() error("mine") end'
    await expect(wait(`return msys.pcre.replace("a", "a", ${broken})`)).rejects.toThrow('mine')
  })

  test('a hostile pattern is killed with its callout, and the next one runs', async () => {
    const source = `msys.registerModule("t", {
      validate_connect = function(self, ac, vctx)
        while true do pcall(msys.pcre.match, ("a"):rep(40) .. "b", "(a+)+$") end
      end,
      validate_data = function(self, msg, ac, vctx)
        print(msys.pcre.match("still", "i(l+)")[1]) return 0
      end })`
    const { policy, panics, close } = await policyOf({ t: source })
    const session = policy.openSession()
    const { subject } = subjectOf()
    const outcome = await session.run('validate_connect', subject)
    await session.run('validate_data', subject)
    await close()
    expect(outcome).toMatchObject({ kind: 'failed' })
    expect(panics.at(-1)).toBe('scriptlet: ll')
  })
})

describe('encodings', () => {
  test.each<[string, string | RegExp]>([
    ['say(msys.base64.encode("hello"))', 'aGVsbG8='],
    ['say(#msys.base64.encode(("x"):rep(300)))', '400'],
    [
      'say((msys.base64.encode(("x"):rep(60), true):gsub("\\r\\n", "|")))',
      /^[\w+/]{76}\|[\w+/]{4}$/,
    ],
    ['say(msys.base64.encode("gr\\195\\188n", false, "iso-8859-1"))', 'Z3L8bg=='],
    ['say(msys.base64.decode("Z3L8bg==", "iso-8859-1") == "gr\\195\\188n")', 'true'],
    ['say(msys.base64.decode("aGVs\\r\\nbG8="))', 'hello'],
    ['say(msys.base64.decode(msys.base64.encode("\\0\\255")) == "\\0\\255")', 'true'],
    ['msys.base64.decode("a*b")', /ERROR .*msys\.base64\.decode: the text is not base64/],
    [
      'msys.base64.encode("\\227\\130\\162", false, "iso-8859-1")',
      /cannot be written in iso-8859-1/,
    ],
    [
      'msys.base64.encode()',
      /bad argument #1 \(string, ec_string or io_object expected, got nil\): text/,
    ],
    ['local s = msys.core.string_new() s:set("hello") say(msys.base64.encode(s))', 'aGVsbG8='],
    ['msys.base64.decode({})', /got table\): text/],
    ['say(msys.qp.encode("a=b \\195\\188"))', 'a=3Db =C3=BC'],
    ['say(msys.qp.encode("\\195\\188", "iso-8859-1"))', '=FC'],
    ['say((msys.qp.encode(("x"):rep(75) .. ".y", nil, true):gsub("\\r\\n", "|")))', /=\|\.\.y$/],
    ['say((msys.qp.encode(("x"):rep(75) .. ".y"):gsub("\\r\\n", "|")))', /=\|\.y$/],
    ['say(msys.qp.decode("a=3Db=\\r\\nc"))', 'a=bc'],
    ['say(msys.qp.decode("=FC", "iso-8859-1") == "\\195\\188")', 'true'],
    ['msys.qp.decode("a=XY")', /ERROR .*not quoted-printable/],
    ['msys.qp.decode()', /bad argument #1/],
    ['say(curl.escape("abcd$%^&*()"))', 'abcd%24%25%5E%26%2A%28%29'],
    ['say(curl.unescape("abcd%24%25%5e%26%2A%28%29%zz"))', 'abcd$%^&*()%zz'],
    ['say(curl.escape("\\195\\188 -._~"))', '%C3%BC%20-._~'],
    ['curl.escape(nil)', /curl\.escape: bad argument #1/],
    ['say(msys.idn.to_idn("B\\195\\188cher.example"))', 'xn--bcher-kva.example'],
    ['say(msys.idn.to_idn("Mail_1.Example"), msys.idn.to_idn("1.2"))', 'mail_1.example 1.2'],
    ['say(msys.idn.to_utf8("xn--bcher-kva.example") == "b\\195\\188cher.example")', 'true'],
    ['say(msys.idn.to_utf8("a.example"))', 'a.example'],
    ['say(msys.idn.to_idn("a b"))', "nil 'a b' is no domain name"],
    ['msys.idn.to_idn()', /bad argument #1/],
    ['say(msys.evp.hex_digest("md5", "abc"))', '900150983cd24fb0d6963f7d28e17f72'],
    ['say(#msys.evp.digest("sha256", "abc"))', '32'],
    [
      'say(msys.evp.hex_hmac("sha256", "key", "The quick brown fox jumps over the lazy dog"))',
      'f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8',
    ],
    ['say(#msys.evp.hmac("sha1", "k", "d"))', '20'],
    ['msys.evp.digest("none", "abc")', /msys\.evp\.digest: there is no digest 'none'/],
    ['msys.evp.hmac("sha1", "k")', /bad argument #3/],
  ])('%s', expectSaid)
})

describe('msys.dumper.Dumper', () => {
  test.each<[string, string | RegExp]>([
    ['say(msys.dumper.Dumper("a\\"b\\n"))', 'return "a\\"b\\n"'],
    ['say(msys.dumper.Dumper({}))', 'return { }'],
    ['say(msys.dumper.Dumper({ "a", 2, true }))', 'return { "a", 2, true }'],
    ['say(msys.dumper.Dumper({ b = 1, a = "x", "first" }))', 'return { "first", a="x", b=1 }'],
    [
      'say(msys.dumper.Dumper({ ["a b"] = { c = {} }, [10] = 1, ["end"] = 2 }))',
      'return { [10]=1, ["a b"]={ c={ } }, ["end"]=2 }',
    ],
    ['say(msys.dumper.Dumper(nil), msys.dumper.Dumper(1.5))', 'return nil return 1.5'],
    [
      'say(msys.dumper.Dumper(msg), msys.dumper.Dumper(print))',
      'return "<message>" return "<function>"',
    ],
    ['local t = {} t.t = t say(msys.dumper.Dumper(t))', 'return { t="<cycle>" }'],
    [
      'local t = {} for i = 1, 40 do t = { t, t } end msys.dumper.Dumper(t)',
      /the value is too large/,
    ],
  ])('%s', expectSaid)
})

describe('values and the rest', () => {
  test.each<[string, string | RegExp]>([
    ['say(msys.type("x"), msys.type(1), msys.type(nil), msys.type({}))', 'string number nil table'],
    ['say(msys.type(msg), msys.type(vctx))', 'msys.core:_ec_message msys.core:_validate_context'],
    ['say(msys.cast(msg, "msys.core:_ec_message") == msg)', 'true'],
    ['msys.cast(vctx, "msys.core:_ec_message")', /_validate_context is not msys\.core:_ec_message/],
    ['msys.cast(msg, "none")', /there is no class 'none'/],
    ['msys.cast(msg)', /bad argument #2/],
    [
      'local mt = msys.getClassMetaTable("msys.core:_ec_message") mt.to = function(self) return self:rcptto() end say(msg:to())',
      'anna@rcpt.example',
    ],
    [
      'local mt = msys.getClassMetaTable("msys.core:_ec_message") function mt.__index:one() return 1 end say(msg:one())',
      '1',
    ],
    ['msys.getClassMetaTable("none")', /there is no class 'none'/],
    ['msys.getClassMetaTable()', /bad argument #1/],
    ['say(msys.asyncOk())', 'true'],
    ['say(msys.core.get_now_ts() > 1.5e9, msys.core.get_now_ts() % 1)', 'true 0'],
    ['msys.log(msys.core.LOG_WARNING)', /msys\.log: bad argument #2/],
    ['say("[" .. trim("  a b\\t\\r\\n") .. "]")', '[a b]'],
    ['trim(nil)', /trim: bad argument #1/],
    ['say(#gethostname() > 0)', 'true'],
  ])('%s', expectSaid)

  test('msys.log writes a line to paniclog, also while scripts load', async () => {
    const { panics, close } = await policyOf({
      t: 'msys.log(msys.core.LOG_WARNING, "heads up") print(msys.asyncOk())',
    })
    await close()
    expect(panics).toEqual(['scriptlet: heads up', 'scriptlet: false'])
  })
})

describe('addresses and dictionaries', () => {
  const ADDRESSES = '"Joe, D" <joe+tag@A.example>, list: b@c.example (x);'
  test.each<[string, string | RegExp]>([
    [`say(msys.parseRFC2822Addresses([[${ADDRESSES}]]))`, '{joe+tag@A.example,b@c.example}'],
    [`say(msys.parseRFC2822Addresses([[${ADDRESSES}]], "user"))`, '{joe,b}'],
    [`say(msys.parseRFC2822Addresses([[${ADDRESSES}]], "detail"))`, '{tag,}'],
    [`say(msys.parseRFC2822Addresses([[${ADDRESSES}]], "localpart"))`, '{joe+tag,b}'],
    [`say(msys.parseRFC2822Addresses([[${ADDRESSES}]], "domain"))`, '{A.example,c.example}'],
    ['say(msys.parseRFC2822Addresses(""))', '{}'],
    ['msys.parseRFC2822Addresses("a@b", "zip")', /bad argument #2/],
    ['msys.parseRFC2822Addresses()', /msys\.parseRFC2822Addresses: bad argument #1/],
    [
      'say(msys.core.protocol_string(msys.core.P_ESMTP), msys.core.protocol_string(99))',
      'ESMTP UNKNOWN',
    ],
    ['msys.core.protocol_string("x")', /bad argument #1 \(number expected/],
    [
      'msys.core.dict_iter2({})',
      /msys\.core\.dict_iter2: bad argument #1 \(dict expected, got table\)/,
    ],
    ['msys.core.dict_next(msg, msg)', /bad argument #1 \(dict expected, got message\)/],
    ['msys.core.dict_add_key_value()', /bad argument #1/],
    ['msys.core.dict_key_delete()', /bad argument #1/],
    ['msys.core.dict_iter2_free()', /bad argument #1/],
  ])('%s', expectSaid)

  test('a dictionary is walked, changed and cleared', () => {
    const { state, run } = testHost()
    const wrap = installMsys(state, NO_SERVICES)
    const dict: Dict = { kind: 'dict', entries: new Map([['a', '1']]) }
    const code = `
      local d, core, out = ..., msys.core, {}
      core.dict_add_key_value(d, "b", "2") core.dict_add_key_value(d, "c", 3)
      core.dict_key_delete(d, "a")
      local iter = core.dict_iter2(d)
      repeat
        local rc, k, v = core.dict_next(d, iter)
        if rc != 0 then out[#out + 1] = k .. "=" .. v end
      until rc == 0
      core.dict_iter2_free(d, iter)
      return table.concat(out, " ")`
    expect(run(code, wrap(dict))).toEqual(['b=2 c=3'])
  })
})

describe('msys.policyeditor', () => {
  const editor = (call: string) =>
    `local e, ctx, vars = msys.policyeditor, { ec_message = msg }, {} ${call}`
  test.each<[string, string | RegExp]>([
    [
      'say(e.get_header(ctx, vars, { header = "Subject" }), e.get_header(ctx, {}, { header = "X" }))',
      'a ',
    ],
    ['say(e.del_header(ctx, vars, { header = "Subject" }), msg:header("Subject"))', 'Subject {}'],
    [
      'say(e.get_mailfrom(ctx, {}, {}), e.get_rcptto(ctx, {}, {}))',
      'news@sender.example anna@rcpt.example',
    ],
    [
      'say(e.get_mess_recv_from(ctx, {}, {}), e.get_mess_recv_via(ctx, {}, {}))',
      '192.0.2.1:4711 127.0.0.1:25',
    ],
    ['say(e.vctx_mess_get(ctx, {}, { key = "k" }))', 'nil'],
    ['say(e.vctx_mess_set(ctx, {}, { key = "k", value = 5 }), msg:context_get(M, "k"))', '5 5'],
    [
      'e.vctx_conn_set(ctx, {}, { key = "k", value = "v" }) say(e.vctx_conn_get({}, {}, { key = "k" }))',
      'v',
    ],
    [
      'say(e.pcre_match(ctx, vars, { subject = "joe@b.example", pattern = "(?P<user>\\\\w+)@(.*)" }), vars["$0"], vars["$1"], vars["$user"], vars["$2"])',
      'true joe@b.example joe joe b.example',
    ],
    ['say(e.pcre_match(ctx, vars, { subject = "a", pattern = "b" }), vars["$0"])', 'false nil'],
    ['e.pcre_match(ctx, vars, { subject = "a", pattern = "b(" })', /missing \) at offset 2/],
    [
      'say(e.set_variable(ctx, vars, { name = "n", value = 7 }), e.get_variable(ctx, vars, { name = "n" }))',
      '7 7',
    ],
    ['e.get_header({}, {}, { header = "X" })', /ctx\.ec_message/],
    [
      'e.get_header(ctx, {}, {})',
      /msys\.policyeditor\.get_header: bad argument #3 \(string expected, got nil\): options\.header/,
    ],
    ['e.get_mailfrom(ctx)', /bad argument #2 \(table expected, got nil\)/],
  ])('%s', (call, expected) => expectSaid(editor(call), expected))

  test('a header cannot be read before there is one', async () => {
    const { said } = await runLua('msys.policyeditor.get_header({}, {}, { header = "X" })', {
      callout: 'validate_connect',
    })
    expect(said).toMatch(/msys\.policyeditor\.get_header is not allowed in validate_connect/)
  })
})
