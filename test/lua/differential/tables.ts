// Sequences of operations on two tables: holes, appends, removals at both ends, sorting, traversal with
// changes. After each operation what the table says of itself is recorded.
import fc from 'fast-check'
import { luaLiteral } from './reference.ts'

const index = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -1, max: 9 }).map(String) },
  { weight: 2, arbitrary: fc.constantFrom('#t', '#t + 1', '#t + 2') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '1.5',
      '2^53',
      '"2"',
      '"x"',
      'true',
      't',
      '-0',
      '1e300',
      '17',
      '100',
    ),
  },
)
const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 9 }).map(String) },
  { weight: 2, arbitrary: fc.constantFrom('a', 'b', 'c').map(luaLiteral) },
  { weight: 2, arbitrary: fc.constant('nil') },
)
const some = fc.constantFrom('3', '4', '"v"')
const at = (template: string, ...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc
    .tuple(...parts)
    .map((given) =>
      given.reduce((text, part, place) => text.replaceAll(`$${place}`, () => part), template),
    )

const operation = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constant(
      'for i = 1, 30 do t[i] = { (i * 7919) % 101 } end table.sort(t, function(a, b) return a[1] % 5 < b[1] % 5 end) for i = 1, 30 do t[i] = t[i][1] end emit(table.concat(t, " "))',
    ),
  },
  { weight: 5, arbitrary: at('t[$0] = $1', index, value) },
  { weight: 3, arbitrary: at('t[#t + 1] = $0', value) },
  { weight: 2, arbitrary: at('table.insert(t, $0)', some) },
  { weight: 2, arbitrary: at('table.insert(t, $0, $1)', index, some) },
  { weight: 3, arbitrary: fc.constant('emit(table.remove(t))') },
  { weight: 2, arbitrary: at('emit(table.remove(t, $0))', index) },
  { weight: 1, arbitrary: at('t = { $0, $1, $2 }', value, value, value) },
  { weight: 1, arbitrary: at('t = { $0, [$1] = 7, $2, x = 1 }', value, index, value) },
  { weight: 1, arbitrary: at('t = { n = 1, unpack({ $0, $1, $0 }, 1, 3) }', value, value) },
  { weight: 1, arbitrary: fc.constant('for i = 1, 40 do t[i] = i end') },
  { weight: 1, arbitrary: fc.constant('for i = 20, 1, -1 do t[i] = i end') },
  { weight: 1, arbitrary: fc.constant('for i = #t, 3, -1 do t[i] = nil end') },
  {
    weight: 1,
    arbitrary: fc.constant(
      'for k, v in pairs(t) do if v == 3 then t[k] = nil else t[k] = v end end',
    ),
  },
  { weight: 1, arbitrary: fc.constant('for k in pairs(t) do t[k] = nil end') },
  { weight: 1, arbitrary: fc.constant('while next(t) ~= nil do t[next(t)] = nil end') },
  { weight: 1, arbitrary: at('emit(pcall(table.concat, t, ",", $0, $1))', index, index) },
  { weight: 1, arbitrary: fc.constant('emit(pcall(table.sort, t))') },
  {
    weight: 1,
    arbitrary: fc.constant(
      'emit(pcall(table.sort, t, function(a, b) return tostring(a) > tostring(b) end))',
    ),
  },
  { weight: 1, arbitrary: at('emit(rawequal(t[$0], t[$1]), t[$0])', index, index) },
  { weight: 1, arbitrary: at('local k = $0 rawset(t, k, $1) emit(rawget(t, k))', index, value) },
  { weight: 1, arbitrary: fc.constant('emit(table.maxn(t))') },
  { weight: 1, arbitrary: fc.constant('table.foreachi(t, emit)') },
)

// With holes 5.1 may find any border, but a border it must be.
const OBSERVE = `
local function observe()
  local n = 0
  for k in pairs(t) do n = n + 1 end
  local items = {}
  for i = 1, 10 do items[i] = tostring(t[i]) end
  emit(n, #t == 0 or t[#t] ~= nil, t[#t + 1] == nil, table.concat(items, " "))
end`

/** Operations, each of which begins with a table without holes, so that the border that it sees is certain. */
export const tableRun = fc.array(operation, { minLength: 1, maxLength: 8 }).map((operations) => {
  const steps = operations.map((step) => `whole() emit(pcall(function() ${step} end)) observe()`)
  return `local emit, T = fresh(1000) local t = {} ${OBSERVE} ${WHOLE} ${steps.join('\n')}\nreturn T`
})

// Before each operation the holes are closed: what lies behind one is taken away.
const WHOLE = `
local function whole()
  local n = 0
  while t[n + 1] ~= nil do n = n + 1 end
  local late = {}
  for k in pairs(t) do if type(k) == "number" and k > n then late[#late + 1] = k end end
  for _, k in ipairs(late) do t[k] = nil end
  local again = {}
  for i = 1, n do again[i] = t[i] end
  emit(n == #again, #t)
end`
