// The budget: every loop, call, pattern step and allocation costs ticks or bytes, also inside the
// native loops of the libraries, and a Kill passes through every protected call.

import type { Patch } from '../patch.ts'

const TICK = 'if (--tick.n < 0) host.over();'
const REQUIRE = "const host = require('./host.js');\nconst tick = host.tick;\n"
const why = 'a call that never ends must be stoppable'

export const KILL: readonly Patch[] = [
  {
    name: 'kill is not caught',
    file: 'ldo.js',
    why: 'no pcall, xpcall or coroutine may survive a kill',
    find: '        if (lj.status === LUA_OK) {\n            /* error was not thrown via luaD_throw',
    replace: `        if (e instanceof host.Kill) {
            L.errorJmp = lj.previous;
            L.nCcalls = oldnCcalls;
            if (L !== L.l_G.mainthread) L.status = LUA_ERRRUN;
            throw e;
        }
        if (lj.status === LUA_OK) {
            /* error was not thrown via luaD_throw`,
  },
  {
    name: 'kill in an error handler',
    file: 'ldo.js',
    why: 'also while a native error is being reported',
    find: '} catch (e2) {',
    replace: '} catch (e2) {\n                    if (e2 instanceof host.Kill) throw e2;',
  },
  {
    name: 'tick in ldo',
    file: 'ldo.js',
    why,
    find: 'const adjust_top = function',
    replace: `${REQUIRE}\nconst adjust_top = function`,
  },
  {
    name: 'tick per error',
    file: 'ldo.js',
    why: 'raising costs as much as many steps, and more for every native call that it leaves',
    find: 'const luaD_throw = function(L, errcode) {',
    replace: 'const luaD_throw = function(L, errcode) {\n    tick.n -= 100 + 50 * L.nCcalls;',
  },
  {
    name: 'tick per unwound call',
    file: 'ldo.js',
    why: 'recovering from an error at great depth walks all calls',
    find: '        if (lim < ci.top) lim = ci.top;',
    replace: '        tick.n--;\n        if (lim < ci.top) lim = ci.top;',
  },
  {
    name: 'tick in lvm',
    file: 'lvm.js',
    why,
    find: "const ldebug  = require('./ldebug.js');",
    replace: `const ldebug  = require('./ldebug.js');\n${REQUIRE}`,
  },
  {
    name: 'tick per item joined',
    file: 'ltablib.js',
    why,
    find: 'const addfield = function(L, b, i) {',
    replace: `const addfield = function(L, b, i) {\n    if ((tick.n -= 4) < 0) host.over();`,
  },
  {
    name: 'tick per comparison of sort',
    file: 'ltablib.js',
    why,
    find: 'const sort_comp = function(L, a, b) {',
    replace: `${REQUIRE}\nconst sort_comp = function(L, a, b) {\n    if ((tick.n -= 4) < 0) host.over();`,
  },
  {
    name: 'tick per item inserted before',
    file: 'ltablib.js',
    why,
    find: '            for (let i = e; i > pos; i--) {  /* move up elements */',
    replace: `            for (let i = e; i > pos; i--) {\n                if ((tick.n -= 3) < 0) host.over();`,
  },
  {
    name: 'tick per item removed before',
    file: 'ltablib.js',
    why,
    find: '    for (; pos < size; pos++) {',
    replace: `    for (; pos < size; pos++) {\n        ${TICK}`,
  },
  {
    name: 'tick per item unpacked',
    file: 'ltablib.js',
    why,
    find: '    for (; i < e; i++)  /* push arg[i..e - 1] (to avoid overflows) */',
    replace: '    tick.n -= n;\n    for (; i < e; i++)',
  },
  {
    name: 'tick per byte ordered',
    file: 'lvm.js',
    why,
    find: '    let r = luaS_hashlongstr(rs);',
    replace: '    let r = luaS_hashlongstr(rs);\n    tick.n -= l.length >> 6;',
  },
  {
    name: 'tick in lauxlib',
    file: 'lauxlib.js',
    why,
    find: 'const LUA_ERRFILE = LUA_ERRERR+1;',
    replace: `const LUA_ERRFILE = LUA_ERRERR+1;\n${REQUIRE}`,
  },
  {
    name: 'charge buffers',
    file: 'lauxlib.js',
    why: 'table.concat, gsub and format grow buffers outside the Lua heap',
    find: '        let newsize = Math.max(B.b.length * 2, newend);  /* double buffer size */',
    replace: `        let newsize = Math.max(Math.min(Math.max(B.b.length * 2, 64), tick.maxString), newend);
        if (newend > tick.maxString)
            luaL_error(B.L, to_luastring("resulting string too large"));
        tick.bytes -= newsize;
        if ((tick.n -= newsize >> 5) < 0 || tick.bytes < 0) host.over();`,
  },
  {
    name: 'shorter stack',
    file: 'luaconf.js',
    why: 'runaway recursion with many locals becomes an error soon',
    find: 'conf.LUAI_MAXSTACK || 1000000',
    replace: '200000',
  },
  {
    name: 'charge coroutines',
    file: 'lstate.js',
    why: 'their stacks are allocations too',
    find: '    let L1 = new lua_State(g);',
    replace: '    host.tick.bytes -= 1000;\n    let L1 = new lua_State(g);',
  },
  {
    name: 'host in lstate',
    file: 'lstate.js',
    why,
    find: 'const EXTRA_STACK = 5;',
    replace: "const host = require('./host.js');\nconst EXTRA_STACK = 5;",
  },
  {
    name: 'charge closures',
    file: 'lvm.js',
    why: 'they are allocations too',
    find: '    let ncl = new lobject.LClosure(L, nup);',
    replace: '    tick.bytes -= 150;\n    let ncl = new lobject.LClosure(L, nup);',
  },
  {
    name: 'count call records',
    file: 'lstate.js',
    why: 'after an overflow some are dropped',
    find: '    let ci = L.ci;\n    ci.next = null;',
    replace:
      '    let ci = L.ci;\n    ci.next = null;\n    L.nci = 0;\n    for (; ci !== L.base_ci; ci = ci.previous) L.nci++;',
  },
  {
    name: 'records left by an overflow',
    file: 'ldo.js',
    why: 'the room for its handler is given back',
    find: '    if (L.stack.length > LUAI_MAXSTACK)  /* had been handling stack overflow? */',
    replace: '    if (L.stack.length > LUAI_MAXSTACK || L.nci > lstate.MAX_CALLS)',
  },
  {
    name: 'who resumed',
    file: 'ldo.js',
    why: 'a host function may suspend only if all coroutines that wait for it can',
    find: '    L.nCcalls = from ? from.nCcalls + 1 : 1;',
    replace: '    L.from = from;\n    L.nCcalls = from ? from.nCcalls + 1 : 1;',
  },
  {
    name: 'room for host state',
    file: 'lstate.js',
    why: 'the coroutine that resumed this one',
    find: '        this.errfunc = 0;',
    replace:
      '        this.errfunc = 0;\n        this.nci = 0;\n        this.from = null;\n        this.handle = null;',
  },
]
