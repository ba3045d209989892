// Natives that are long in one step look at the budget while they run, or are made short: each would
// otherwise overrun it by as long as it takes on the longest string, or on the deepest stack.

import { supersede, type Patch } from '../patch.ts'

const why = 'one call of a native must not overrun the budget'
export const STEPS: readonly Patch[] = [
  {
    name: 'look while filling a buffer',
    file: 'lauxlib.js',
    why,
    find: '    let newend = B.n + sz;\n',
    replace:
      '    let newend = B.n + sz;\n    if (sz >= 256 && (tick.n -= sz >> 6) < 0) host.over();\n',
  },
  {
    name: 'one character without a view',
    file: 'lauxlib.js',
    why: 'a view of the buffer per character is slow',
    find: '    luaL_prepbuffsize(B, 1);\n    B.b[B.n++] = c;',
    replace: '    if (B.n >= B.b.length) luaL_prepbuffsize(B, 1);\n    B.b[B.n++] = c;',
  },
  {
    name: 'charge numerals',
    file: 'lobject.js',
    why,
    find: '    const n = host.textToNumber(textOf(s));',
    replace:
      '    host.tick.n -= s.length >> 2;\n    const n = s.length > 10000 ? void 0 : host.textToNumber(textOf(s));',
  },
  supersede(
    'lauxlib.js',
    'const',
    'lastlevel',
    'a traceback walks the stack once, not once for each of its lines',
    `
const callsOf = function(L) {
    const calls = [];
    for (let ci = L.ci; ci !== L.base_ci; ci = ci.previous) calls.push(ci);
    tick.n -= calls.length >> 1;
    return calls;
};
`,
  ),
  {
    name: 'the calls of a traceback',
    file: 'lauxlib.js',
    why: 'the last level is that of the last call',
    find: '    let last = lastlevel(L1);\n',
    replace: '    const calls = callsOf(L1);\n    let last = calls.length - 1;\n',
  },
  {
    name: 'the next call of a traceback',
    file: 'lauxlib.js',
    why: 'as lua_getstack, without walking',
    find: '    while (lua_getstack(L1, level++, ar)) {\n        if (n1-- === 0)',
    replace:
      '    for (; level < calls.length; ) {\n        ar.i_ci = calls[level++];\n        if (n1-- === 0)',
  },
  {
    name: 'charge levels',
    file: 'ldebug.js',
    why: 'a level far down is found by walking',
    find: '    if (level < 0) return 0;  /* invalid (negative) level */\n',
    replace: "    if (level < 0) return 0;\n    require('./host.js').tick.n -= level >> 1;\n",
  },
]
