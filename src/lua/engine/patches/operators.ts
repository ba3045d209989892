// The virtual machine's operators: numeric ones go straight to doubles, bitwise ones work on 64-bit
// integers by way of the host, `\` floors, and the metaevents have the dialect's names.

import type { Patch } from '../patch.ts'

const file = 'lvm.js'

const event = (stock: string, name: string): Patch => ({
  name: `event __${name}`,
  file: 'ltm.js',
  why: "the dialect's name of the metaevent",
  find: `to_luastring("__${stock}", true)`,
  replace: `to_luastring("__${name}", true)`,
})

export const OPERATORS: readonly Patch[] = [
  {
    name: 'no folding of bits',
    file: 'lcode.js',
    why: 'the compiler knows 32 bits only',
    find: '            return (lvm.tointeger(v1) !== false && lvm.tointeger(v2) !== false);',
    replace: '            return false;',
  },
  {
    name: 'power of constants',
    file: 'lobject.js',
    why: '1 to any power is 1, as in C',
    find: 'Math.pow(v1, v2)',
    replace: 'host.power(v1, v2)',
  },
  {
    name: 'keys before __newindex',
    file,
    within: 'const settable = function',
    why: 'nil and NaN are no keys, also where __newindex would take them, as in 5.1',
    find: '            let slot = ltable.luaH_get(L, h, key);',
    replace: `            if (key.type === LUA_TNIL || key.value !== key.value) ltable.luaH_setfrom(L, h, key, val);
            let slot = ltable.luaH_get(L, h, key);`,
  },
  event('band', 'and'),
  event('bor', 'or'),
  event('bxor', 'xor'),
  event('bnot', 'not'),
  { ...event('idiv', 'div'), why: 'backslash calls __div' },
  {
    name: 'numbers in order',
    file,
    why: 'one comparison of tags',
    find: '    if (l.ttisnumber() && r.ttisnumber())',
    replace: '    if (l.type === LUA_TNUMFLT && r.type === LUA_TNUMFLT)',
    count: 2,
  },
  {
    name: 'equal numbers first',
    file,
    why: 'the common case without a switch',
    find: '    if (t1.ttype() !== t2.ttype()) { /* not the same variant? */',
    replace: `    if (t1.type === LUA_TNUMFLT && t2.type === LUA_TNUMFLT) return t1.value === t2.value ? 1 : 0;
    if (t1.ttype() !== t2.ttype()) { /* not the same variant? */`,
  },
  {
    name: 'equality event',
    file,
    why: 'both sides must have the same __eq, as in 5.1',
    find: `            if (tm === null)
                tm = ltm.fasttm(L, t2.value.metatable, ltm.TMS.TM_EQ);`,
    replace: `            if (tm !== null) {
                const other = ltm.fasttm(L, t2.value.metatable, ltm.TMS.TM_EQ);
                if (other === null || !luaV_rawequalobj(tm, other)) tm = null;
            }`,
  },
  {
    name: 'order events',
    file: 'ltm.js',
    why: 'both sides must be of one type and have the same metamethod, as in 5.1',
    find: '    let res = new lobject.TValue();\n    if (!luaT_callbinTM',
    replace: `    const left = luaT_gettmbyobj(L, p1, event), right = luaT_gettmbyobj(L, p2, event);
    if (p1.ttnov() !== p2.ttnov() || left.type !== right.type || left.value !== right.value)
        return null;
    let res = new lobject.TValue();
    if (!luaT_callbinTM`,
  },
  {
    name: 'length of tables',
    file,
    why: '__len of a table is ignored, as in 5.1',
    find: '            tm = ltm.fasttm(L, h.metatable, ltm.TMS.TM_LEN);\n            if (tm !== null) break; /* metamethod? break switch to call it */\n',
    replace: '',
  },
  {
    name: 'nothing cached in prototypes',
    file,
    why: 'prototypes are shared and immutable',
    find: '    p.cache = ncl;  /* save it on cache for reuse */',
    replace: '',
  },
  {
    name: 'metamethod by name',
    file: 'ltm.js',
    why: 'for __iter, which has no number',
    find: 'const luaT_gettmbyobj = function',
    replace: `const luaT_gettmbyname = function(L, o, name) {
    const type = o.ttnov();
    const mt = type === LUA_TTABLE || type === LUA_TUSERDATA ? o.value.metatable : L.l_G.mt[type];
    return mt ? ltable.luaH_getstr(mt, luaS_text(name)) : lobject.luaO_nilobject;
};
module.exports.luaT_gettmbyname = luaT_gettmbyname;

const luaT_gettmbyobj = function`,
  },
  {
    name: 'text in ltm',
    file: 'ltm.js',
    why: 'for metamethods by name',
    find: '    luaS_bless,\n    luaS_new\n',
    replace: '    luaS_bless,\n    luaS_text,\n    luaS_new\n',
  },
  {
    name: 'after __iter has waited',
    file: 'lvm.js',
    within: 'const luaV_finishOp = function',
    why: 'the generic for then begins with what it gave',
    find: 'case OP_TFORCALL: {',
    replace: `case OP_TFORCALL: {
            if (ci.callstatus & CIST_ITER) {
                iterated(L, ci, base + inst.A);
                ci.l_savedpc--;
                break;
            }`,
  },
]
