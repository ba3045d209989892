// Speed of calls and of the stack: no assertions, no `delete`, call records and stack slots used
// again, and the loop of the virtual machine without what does not change inside one function.

import { supersede, type Patch } from '../patch.ts'

const execute = 'const luaV_execute = function'

const checks = (file: string, count: number): Patch => ({
  name: `no assertions in ${file}`,
  file,
  why: 'they cost a prototype walk per table access; types are checked when the host is compiled',
  find: /^( *)(?:lualib\.|lapi\.)?(?:lua_assert|api_check|api_checknelems|fengari_argcheck|fengari_argcheckinteger)\((?:[^;]|\n)*?\);/gm,
  replace: '$1;',
  count,
})

const deletes = (file: string, count: number): Patch => ({
  name: `no delete in ${file}`,
  file,
  why: '`delete` is a call into the runtime',
  find: /delete ((?:\w+\.)*stack\[[^\]]+\]);/g,
  replace: '$1 = void 0;',
  count,
})

export const CALLS: readonly Patch[] = [
  checks('lapi.js', 79),
  checks('ldo.js', 20),
  checks('lvm.js', 11),
  checks('lobject.js', 5),
  checks('lstring.js', 5),
  checks('ltm.js', 1),
  checks('lstrlib.js', 2),
  deletes('lapi.js', 18),
  deletes('ldo.js', 5),
  deletes('lvm.js', 3),
  deletes('ltm.js', 1),
  supersede(
    'ldo.js',
    'const',
    'adjust_top',
    'slots above the top are kept and used again: nothing refers to them once their scope is closed',
    `
const adjust_top = function(L, newtop) {
    const stack = L.stack;
    let top = L.top;
    while (top < newtop) {
        const slot = stack[top];
        if (slot === void 0) stack[top] = new lobject.TValue(LUA_TNIL, null);
        else {
            slot.type = LUA_TNIL;
            slot.value = null;
        }
        top++;
    }
    L.top = newtop;
};
`,
  ),
  {
    name: 'results without clearing',
    file: 'ldo.js',
    why: 'slots above the top are used again',
    find: '    for (let i=L.top; i>=newtop; i--)\n        L.stack[i] = void 0;\n',
    replace: '',
  },
  {
    name: 'open results without clearing',
    file: 'ldo.js',
    why: 'slots above the top are used again',
    find: '            for (let i=L.top; i>=(res + nres); i--)\n                L.stack[i] = void 0;\n',
    replace: '',
  },
  supersede(
    'lstate.js',
    'const',
    'luaE_extendCI',
    'call records are used again',
    `
const luaE_extendCI = function(L) {
    let ci = L.ci.next;
    if (ci === null) {
        host.tick.n -= 16;
        ci = new CallInfo();
        L.ci.next = ci;
        ci.previous = L.ci;
    }
    ci.c_k = null;
    L.ci = ci;
    return ci;
};
`,
  ),
  {
    name: 'keep call records',
    file: 'ldo.js',
    why: 'call records are used again',
    find: '    L.ci.next = null;\n    return moveresults',
    replace: '    return moveresults',
  },
  {
    name: 'call records know all fields',
    file: 'lstate.js',
    why: 'one hidden class',
    find: '        this.callstatus = NaN;',
    replace: '        this.callstatus = 0;\n        this.extra = 0;',
  },
  {
    name: 'one frame, one loop',
    file: 'lvm.js',
    why: 'stack, code, constants and base do not change inside a function',
    find: '        let i = ci.l_code[ci.l_savedpc++];\n',
    replace:
      '        const stack = L.stack, code = ci.l_code;\n\n        for (;;) {\n        let i = code[ci.l_savedpc++];\n',
  },
  {
    name: 'end of the loop',
    file: 'lvm.js',
    why: 'closes it',
    find: 'throw Error("invalid opcode");\n            }\n        }\n',
    replace: 'throw Error("invalid opcode");\n            }\n        }\n        }\n',
  },
  {
    name: 'no hooks',
    file: 'lvm.js',
    why: 'debug.sethook does not exist here',
    find: '        if (L.hookmask & (LUA_MASKLINE | LUA_MASKCOUNT)) {\n            ldebug.luaG_traceexec(L);\n        }\n',
    replace: '',
  },
  {
    name: 'operand A',
    file: 'lvm.js',
    why: 'inlined by hand: the function is too large for the compiler to do so',
    find: 'let ra = RA(L, base, i);',
    replace: 'let ra = base + i.A;',
  },
  {
    name: 'operand B',
    file: 'lvm.js',
    within: execute,
    why: 'inlined by hand',
    find: /\bRB\(L, base, i\)/g,
    replace: '(base + i.B)',
    count: 8,
  },
  {
    name: 'operand B or constant',
    file: 'lvm.js',
    within: execute,
    why: 'inlined by hand',
    find: 'RKB(L, base, k, i)',
    replace: '(i.B & 256 ? k[i.B & 255] : stack[base + i.B])',
    count: 17,
  },
  {
    name: 'operand C or constant',
    file: 'lvm.js',
    within: execute,
    why: 'inlined by hand',
    find: 'RKC(L, base, k, i)',
    replace: '(i.C & 256 ? k[i.C & 255] : stack[base + i.C])',
    count: 20,
  },
  {
    name: 'the stack of the frame',
    file: 'lvm.js',
    within: execute,
    why: 'a local instead of a field',
    find: /\bL\.stack\[/g,
    replace: 'stack[',
    count: 70,
  },
  {
    name: 'fields that are there',
    file: 'lvm.js',
    why: 'the common case of an index, and methods of host objects, without metatables',
    find: 'const luaV_gettable = function(L, t, key, ra) {\n',
    replace: `const luaV_gettable = function(L, t, key, ra) {
    if (t.type === LUA_TTABLE) {
        const slot = ltable.luaH_get(L, t.value, key);
        if (slot.type !== LUA_TNIL) {
            const target = L.stack[ra];
            target.type = slot.type;
            target.value = slot.value;
            return;
        }
    } else if (t.type === LUA_TUSERDATA && t.value.methods !== null) {
        const slot = ltable.luaH_get(L, t.value.methods, key);
        if (slot.type !== LUA_TNIL) {
            const target = L.stack[ra];
            target.type = slot.type;
            target.value = slot.value;
            return;
        }
    }
`,
  },
  {
    name: 'methods of host objects',
    file: 'lobject.js',
    why: 'a table looked into before the metatable',
    find: '        this.len = size;\n        this.data = Object.create(null); // ignores size argument',
    replace:
      '        this.len = size;\n        this.methods = null;\n        this.handle = null;\n        this.data = null;',
  },
  {
    name: 'handles of tables',
    file: 'ltable.js',
    why: 'the object that stands for the table in TypeScript',
    find: '        this.dead_strong = new Map();',
    replace: '        this.handle = null;\n        this.dead_strong = NO_DEAD;',
  },
  {
    name: 'dead keys when needed',
    file: 'ltable.js',
    why: 'a second Map per table doubles the cost of a table',
    find: '            t.dead_strong.set(hash, e);',
    replace:
      '            if (t.dead_strong === NO_DEAD) t.dead_strong = new Map();\n            t.dead_strong.set(hash, e);',
  },
  {
    name: 'no dead keys',
    file: 'ltable.js',
    why: 'shared by all tables that never lost a key',
    find: 'class Table {',
    replace: 'const NO_DEAD = new Map();\n\nclass Table {',
  },
  {
    name: 'handles of closures',
    file: 'lobject.js',
    why: 'the object that stands for the function in TypeScript',
    find: '        this.p = null;\n        this.nupvalues = n;',
    replace: '        this.p = null;\n        this.handle = null;\n        this.nupvalues = n;',
  },
  {
    name: 'results of native functions',
    file: 'ldo.js',
    why: 'they are ours',
    find: `            if (typeof n !== "number" || n < 0 || (n|0) !== n)
                throw Error("invalid return value from JS function (expected integer)");
`,
    replace: '',
  },
]
