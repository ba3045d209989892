// Speed of calls and of the stack: no assertions, no `delete`, call records and stack slots used
// again, and the loop of the virtual machine without what does not change inside one function.
// No test can see them, being for speed only: test/bench/interpreter.ts does.

import { EXECUTE } from '../interpreter/execute.ts'
import { supersede, type Patch } from '../patch.ts'

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
  why: '`delete` is a call into the runtime; slots above the top are used again',
  find: /delete ((?:\w+\.)*stack\[[^\]]+\]);/g,
  replace: '$1;',
  count,
})

export const CALLS: readonly Patch[] = [
  checks('lapi.js', 79),
  checks('ldo.js', 20),
  checks('lvm.js', 11),
  checks('lobject.js', 5),
  checks('lstring.js', 5),
  checks('ltm.js', 1),
  deletes('lapi.js', 18),
  deletes('ldo.js', 5),
  deletes('lvm.js', 3),
  deletes('ltm.js', 1),
  deletes('ldebug.js', 1),
  deletes('lparser.js', 1),
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
    find: '    for (let i=L.top; i>=newtop; i--)\n        L.stack[i];\n',
    replace: '',
  },
  {
    name: 'open results without clearing',
    file: 'ldo.js',
    why: 'slots above the top are used again',
    find: '            for (let i=L.top; i>=(res + nres); i--)\n                L.stack[i];\n',
    replace: '',
  },
  supersede(
    'lstate.js',
    'const',
    'luaE_extendCI',
    'call records are used again, and there are no more of them than 5.1 allows',
    `
const MAX_CALLS = 20000;
module.exports.MAX_CALLS = MAX_CALLS;

const luaE_extendCI = function(L) {
    let ci = L.ci.next;
    if (ci === null) {
        host.tick.n -= 16;
        host.tick.bytes -= 150;
        if (++L.nci > MAX_CALLS) {
            if (L.nci === MAX_CALLS + 1)
                require('./ldebug.js').luaG_runerror(L, Buffer.from("stack overflow"));
            if (L.nci > MAX_CALLS + 200) ldo.luaD_throw(L, 6 /* LUA_ERRERR */);
        }
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
    replace: '        this.callstatus = NaN;\n        this.extra = 0;',
  },
  supersede(
    'ldo.js',
    'const',
    'luaD_precall',
    'stack slots are there before a function is entered, and no hooks are asked',
    `
/* makes all slots below \`end\` exist */
const luaD_prepare = function(L, end) {
    if (end > L.stack_last) luaD_growstack(L, end - L.top);
    const stack = L.stack;
    host.tick.bytes -= 40 * (end - L.ready);
    for (let j = L.ready; j < end; j++)
        if (stack[j] === void 0) stack[j] = new lobject.TValue(LUA_TNIL, null);
    L.ready = end;
};
module.exports.luaD_prepare = luaD_prepare;

const luaD_precall = function(L, off, nresults) {
    if (--tick.n < 0) host.over();
    const func = L.stack[off];
    switch (func.type) {
        case LUA_TCCL:
        case LUA_TLCF: {
            const f = func.type === LUA_TCCL ? func.value.f : func.value;
            luaD_checkstack(L, LUA_MINSTACK);
            const ci = lstate.luaE_extendCI(L);
            ci.funcOff = off;
            ci.nresults = nresults;
            ci.func = func;
            ci.top = L.top + LUA_MINSTACK;
            ci.callstatus = 0;
            const n = f(L);
            L.ci = ci.previous;
            moveresults(L, L.top - n, off, n, nresults);
            return true;
        }
        case LUA_TLCL: {
            const p = func.value.p, actual = L.top - off - 1;
            let base = off + 1;
            const end = (p.is_vararg ? L.top : base) + p.maxstacksize;
            if (end > L.ready) luaD_prepare(L, end);
            if (p.is_vararg) base = adjust_varargs(L, p, actual);
            else for (let j = actual; j < p.numparams; j++) L.stack[base + j].setnilvalue();
            const ci = lstate.luaE_extendCI(L);
            ci.funcOff = off;
            ci.nresults = nresults;
            ci.func = func;
            ci.l_base = base;
            ci.top = L.top = end;
            ci.l_code = p.code;
            ci.l_savedpc = 0;
            ci.callstatus = lstate.CIST_LUA;
            return false;
        }
        default:
            luaD_checkstack(L, 1);
            tryfuncTM(L, off, func);
            return luaD_precall(L, off, nresults);
    }
};
`,
  ),
  {
    name: 'larger first stack',
    file: 'lstate.js',
    why: 'a callout does without growing it',
    find: 'const BASIC_STACK_SIZE = 2 * LUA_MINSTACK;',
    replace: 'const BASIC_STACK_SIZE = 64;',
  },
  {
    name: 'slots that are there',
    file: 'lstate.js',
    why: 'how far the stack is filled is known',
    find: '        this.errorJmp = null;',
    replace: '        this.errorJmp = null;\n        this.ready = 0;',
  },
  {
    name: 'slots of a shrunk stack',
    file: 'ldo.js',
    why: 'they are gone',
    find: '    L.stack.length = newsize;',
    replace: '    L.stack.length = newsize;\n    L.ready = Math.min(L.ready, newsize);',
  },
  {
    name: 'small integers in call records',
    file: 'lstate.js',
    why: 'NaN makes V8 keep a field as a double in a box',
    find: / = NaN;/g,
    replace: ' = 0;',
    count: 9,
  },
  supersede('lvm.js', 'const', 'luaV_execute', 'most of the time is spent here', EXECUTE),
  {
    name: 'room for caches',
    file: 'lopcodes.js',
    why: 'an instruction that reads a field remembers where it was found last',
    find: '            code:   ins,',
    replace: '            table: null,\n            entry: null,\n            code:   ins,',
  },
  {
    name: 'captured registers',
    file: 'lfunc.js',
    why: 'only their slots are renewed when a scope ends',
    find: '        this.cache = null;',
    replace: '        this.captured = null;\n        this.cache = null;',
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
    name: 'maps when needed',
    file: 'ltable.js',
    why: 'a Map costs more than the rest of a table: arrays need none, few tables lose a key',
    find: 'class Table {',
    replace: 'const NO_ENTRIES = new Map();\nconst NO_DEAD = new Map();\n\nclass Table {',
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
