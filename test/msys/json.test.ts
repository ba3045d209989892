// json: what policy reads, writes and prints, as json-c does it.
import { describe, expect, test } from 'vitest'
import { decodeJson, JsonError } from '../../src/msys/json/decode.ts'
import { encodeJson } from '../../src/msys/json/encode.ts'
import { isHandle } from '../../src/msys/json/value.ts'
import { runLua } from '../support/policy.ts'

function printed(text: string): string {
  const value = decodeJson(text)
  return isHandle(value) ? encodeJson(value, () => {}) : typeof value
}

describe('a text that is read and printed again', () => {
  test.each([
    ['{"foo":"bar"}', '{ "foo": "bar" }'],
    ['[0,1,3]', '[ 0, 1, 3 ]'],
    ['{}', '{ }'],
    ['[]', '[ ]'],
    ['{"b":1,"a":[{"x":null},true,false]}', '{ "b": 1, "a": [ { "x": null }, true, false ] }'],
    ['{"2":1,"1":2}', '{ "2": 1, "1": 2 }'],
    ['{"a":1,"a":2}', '{ "a": 2 }'],
    ['{"__proto__":1,"constructor":2}', '{ "__proto__": 1, "constructor": 2 }'],
    [
      '[1.5,-0.25,1.0,1e3,1e30]',
      '[ 1.500000, -0.250000, 1.000000, 1000.000000, 1000000000000000019884624838656.000000 ]',
    ],
    ['[12345678901234567890,-9007199254740991]', '[ 12345678901234567890, -9007199254740991 ]'],
    ['["a\\"b\\\\c\\/d\\n\\u0001"]', '[ "a\\"b\\\\c\\/d\\n\\u0001" ]'],
    ['["\\u00fc\\ud83d\\ude00\\ud83d"]', '[ "\xc3\xbc\xf0\x9f\x98\x80\xef\xbf\xbd" ]'],
    ['["\xff\xfe"]', '[ "\xff\xfe" ]'],
    ["{'a':'b\"'}", '{ "a": "b\\"" }'],
    [' // one\n{ /* two */ "a" : TRUE }', '{ "a": true }'],
    ['[1] and more', '[ 1 ]'],
  ])('%j', (text, result) => expect(printed(text)).toBe(result))
})

describe('a text that cannot be read says why and where', () => {
  test.each([
    ['{ bad: "json" }', 9, 'quoted object property name expected at offset 2'],
    ['', 3, 'unexpected end of data at offset 0'],
    ['{', 3, 'unexpected end of data at offset 1'],
    ['{"a"', 3, 'unexpected end of data at offset 4'],
    ['{"a" 1}', 10, "object property name separator ':' expected at offset 5"],
    ['{"a":1 "b"}', 11, "object value separator ',' expected at offset 7"],
    ['[1 2]', 8, "array value separator ',' expected at offset 3"],
    ['[1,]', 4, 'unexpected character at offset 3'],
    ['["a', 3, 'unexpected end of data at offset 3'],
    ['["\\q"]', 12, 'invalid string sequence at offset 3'],
    ['["\\u12g4"]', 12, 'invalid string sequence at offset 6'],
    ['nulx', 5, 'null expected at offset 3'],
    ['trux', 6, 'boolean expected at offset 3'],
    ['-x', 7, 'number expected at offset 0'],
    ['/x', 13, 'expected comment at offset 1'],
    ['@', 4, 'unexpected character at offset 0'],
    ['['.repeat(33), 2, 'nesting to deep at offset 32'],
    ['[1e999]', undefined, '[ null ]'],
  ])('%j', (text, code, message) => {
    if (code === undefined) {
      expect(printed(text)).toBe(message)
      return
    }
    const read = (): unknown => decodeJson(text)
    expect(read).toThrow(JsonError)
    expect(read).toThrow(expect.objectContaining({ code, message }))
  })
})

describe('json in Lua', () => {
  test.each<[string, string | RegExp]>([
    [
      'local o = json.decode([[{"foo": "bar"}]]) say(o.foo, o.none, tostring(o), #o)',
      'bar nil { "foo": "bar" } 0',
    ],
    [
      'say(type(json.decode("[1]")), json.decode("4"), json.decode([["x"]]), json.decode("true"))',
      'userdata 4 x true',
    ],
    ['say(json.decode("null"))', 'nil 0 success'],
    ['say(json.decode("{ bad: 1 }"))', 'nil 9 quoted object property name expected at offset 2'],
    [
      'say(json.ERROR_PARSE_OBJECT_KEY_NAME, json.strerror(json.ERROR_PARSE_NULL), json.strerror(-1))',
      '9 null expected unknown error',
    ],
    ['local a = json.decode("[5,6,7]") say(a[1], a[3], a[4], #a)', '5 7 nil 3'],
    [
      'local o = json.decode("{\\"n\\":null}") say(o.n, tostring(o)) o.n = nil say(tostring(o))',
      'nil { "n": null } { }',
    ],
    [
      'local o = json.new() o.int = 4 o.num = 3.5 o.big = 2^31 o.s = "x" o.b = true say(tostring(o))',
      '{ "int": 4, "num": 3.500000, "big": 2147483648, "s": "x", "b": true }',
    ],
    [
      'local o = json.new() o.arr = { 1, 2, 3 } o.obj = { name = "v" } say(tostring(o))',
      '{ "arr": [ 1, 2, 3 ], "obj": { "name": "v" } }',
    ],
    ['say(tostring(json.encode({ 1, 2, nil, 4 })), tostring(json.encode({})))', '[ 1, 2 ] { }'],
    [
      'local o = json.encode({ foo = "bar", [32] = "dude" }) say(o["32"], o[32], o.foo)',
      'dude dude bar',
    ],
    ['say(tostring(json.encode({ { { { "=o=" } } } })))', '[ [ [ [ "=o=" ] ] ] ]'],
    [
      'local o = json.encode(42) say(type(o), tostring(o), o.foo) for k in o do say(k) end',
      'userdata 42 nil',
    ],
    ['say(tostring(json.encode("text")), "t:" .. json.encode({ 1 }))', 'text t:[ 1 ]'],
    [
      'local o = json.decode([[{"b":1,"a":2,"n":null}]]) for k, v in o do say(k, v) end',
      'b 1 a 2 n nil',
    ],
    ['for i, v in json.decode("[5,6]") do say(i, v) end', '1 5 2 6'],
    [
      'local o = json.decode([[{"a":{"b":1}}]]) o.a.b = 2 say(tostring(o), o.a == o.a)',
      '{ "a": { "b": 2 } } true',
    ],
    ['local a = json.decode("[]") a[3] = "x" say(tostring(a))', '[ null, null, "x" ]'],
    [
      'local o, k = json.new(), json.new() k.name = "kid" o.kid = k say(tostring(o))',
      '{ "kid": { "name": "kid" } }',
    ],
    ['say(json.addref(json.new()), json.free(json.new()))', 'true nil'],
    ['say(tostring(json.encode({ 0/0, 1/0, 3.999999999999, -0 })))', '[ null, null, 4.000000, 0 ]'],
    ['json.new().f = print', /cannot assign values of type function/],
    ['json.new().f = msg', /cannot assign values of type message/],
    ['json.encode(42).foo = 1', /cannot assign to this type of json object/],
    ['json.decode("[1]")[1] = nil', /cannot delete from json arrays/],
    ['json.decode("[1]").moo = "x"', /json array index must be numeric/],
    ['say(json.decode("[1]").moo)', /json array index must be numeric/],
    ['json.decode("[1]")[0] = 1', /array semantics are that index operations are 1-based/],
    ['json.decode("[1]")[1e9] = 1', /too far behind the end/],
    ['for k in pairs(json.new()) do end', /ERROR/],
    ['local o = json.new() o.o = o say(tostring(o))', /nested too deeply/],
    ['local t = {} t.t = t json.encode(t)', /nested too deeply/],
    ['json.decode()', /json\.decode: bad argument #1 \(string expected, got nil\): text/],
    ['json.decode({})', /got table/],
    ['json.free({})', /json\.free: bad argument #1 \(json expected, got table\)/],
  ])('%s', async (code, expected) => {
    const { said } = await runLua(code)
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  })
})
