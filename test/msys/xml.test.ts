// xml, from Lua: each snippet is the body of a callout; `doc` is a small catalogue.
import { describe, expect, test } from 'vitest'
import { parseXml } from '../../src/msys/xml/dom.ts'
import { runLua } from '../support/policy.ts'

const CATALOGUE = `<?xml version="1.0" encoding="utf-8"?>
<list>
  <item name="one">
    <price unit="EUR">12</price>
  </item>
  <item name="two"/>
  <note>a <b>bold</b> word &amp; more</note>
</list>
`

const withDocument = (code: string) =>
  `local doc = xml.parsexml([[${CATALOGUE}]]) local root = doc:root() ${code}`

describe('xml', () => {
  test.each<[string, string | RegExp]>([
    ['say(doc:tostring() == tostring(doc), root:name())', 'true list'],
    ['local n = 0 for kid in root:children() do n = n + 1 end say(n)', '3'],
    [
      'for item in doc:xpath("//item[@name=\'one\']") do say(item:name(), item:attr("name"), item:contents()) end',
      'item one 12',
    ],
    [
      'for p in doc:xpath("item/price", root) do say(p:attribute("unit"), tostring(p)) end',
      'EUR <price unit="EUR">12</price>',
    ],
    ['for a in doc:xpath("//item/@name") do say(a:contents()) end', 'one two'],
    ['for x in doc:xpath("count(//item)") do say(x) end', ''],
    [
      'say(root:attr("none")) root:attr("a", "<1&\\"") say(root:attr("a")) root:attr("a", nil) say(root:attr("a"))',
      'nil <1&" nil',
    ],
    ['root:attr("a", 5) say((tostring(root):match("^<[^>]*>")))', '<list a="5">'],
    [
      'local n = root:addchild("fruit") n:contents("a & b") say(n:name(), n:contents(), tostring(n))',
      'fruit a & b <fruit>a &amp; b</fruit>',
    ],
    ['local n = root:addchild(xml.newnode("new")) say(n:name(), n:doc() == doc)', /^new/],
    ['local c = root:copy() c:attr("x", "1") say(root:attr("x"), c:attr("x"))', 'nil 1'],
    [
      'for i in doc:xpath("//item") do say(i:unlink():name()) end for i in doc:xpath("//item") do say("left") end',
      'item item',
    ],
    ['for n in doc:xpath("//note/text()") do say(n:name()) end', 'text text'],
    ['say(root:doc() == doc, root == doc:root(), msys.type(doc))', 'true true libxml2:xmlDocPtr'],
    ['for n in doc:xpath("//note") do n:contents("") say(tostring(n)) end', '<note/>'],
    [
      'root:contents("gr\\195\\188n") say(root:contents() == "gr\\195\\188n", #tostring(root))',
      'true 18',
    ],
    [
      'say(xml.parsexml("<a> <b/> </a>"):root():tostring(), xml.parsexml("<a> <b/> </a>", 1):root():tostring())',
      '<a>\n  <b/>\n</a> <a> <b/> </a>',
    ],
    [
      'say(xml.parsexml("<?xml version=\\"1.0\\" encoding=\\"iso-8859-1\\"?><a>\\252</a>"):root():contents() == "\\195\\188")',
      'true',
    ],
    ['say(xml.parsexml("<a><b></a>"))', /^nil Opening and ending tag mismatch/],
    ['say(xml.parsexml("none"))', /^nil missing root element/],
    ['say(xml.parsexml("<a>&none;</a>"))', /^nil entity not found/],
    [
      'say(xml.parsexml("<!DOCTYPE a [<!ENTITY x \\"y\\">]><a>&x;</a>"))',
      /^nil bad markup at offset 0/,
    ],
    ['root:addchild(root)', /a node cannot be put into itself/],
    ['root:addchild("a b")', /node:addchild: bad argument #1 \(not a name\)/],
    ['root:addchild({})', /node:addchild: bad argument #1 \(string or node expected, got table\)/],
    ['root:attr()', /node:attr: bad argument #1 \(string expected, got nil\): name/],
    ['root:attr("a", {})', /node:attr: bad argument #2/],
    ['doc:xpath("//[")', /ERROR .*doc:xpath: /],
    ['doc:xpath()', /doc:xpath: bad argument #1/],
    ['doc:xpath("//a", doc)', /doc:xpath: bad argument #2/],
    ['xml.parsexml()', /xml\.parsexml: bad argument #1 \(string expected, got nil\): text/],
    ['xml.parsexml("<a/>", "x")', /xml\.parsexml: bad argument #2/],
    ['root.none()', /node\.none: there is no such field or method/],
  ])('%s', async (code, expected) => {
    const { said } = await runLua(withDocument(code))
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  })

  test('a document is printed as it was laid out', async () => {
    const { said } = await runLua(withDocument('say(tostring(doc))'))
    expect(said).toBe(CATALOGUE)
  })
})

test.each([
  ['many open angle brackets', '<a>' + '<'.repeat(900_000)],
  ['many open comments', '<a>' + '<!--'.repeat(200_000)],
  ['deep nesting', '<a>'.repeat(300_000)],
  ['entities', `<!DOCTYPE a [${'<!ENTITY a "b">'.repeat(50_000)}]><a/>`],
  ['a text that is too long', `<a>${'x'.repeat(2 ** 20)}</a>`],
])('%s are refused at once', (_, text) => {
  expect(() => parseXml(text)).toThrow(/bad markup|nested too deeply|too long/)
})
