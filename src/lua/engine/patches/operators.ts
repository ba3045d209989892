// The virtual machine's operators: numeric ones go straight to doubles, bitwise ones work on 64-bit
// integers by way of the host, `\` floors, and the metaevents have the dialect's names.

import type { Patch } from '../patch.ts'

const file = 'lvm.js'
const why = 'doubles only'

const bitwise = (operator: string, name: string): Patch => ({
  name: `bitwise ${name}`,
  file,
  why: '64 bits',
  find: `L.stack[ra].setivalue(${operator});`,
  replace: `L.stack[ra].setfltvalue(host.bitwise.${name}(numberop1, numberop2));`,
})

const event = (stock: string, name: string): Patch => ({
  name: `event __${name}`,
  file: 'ltm.js',
  why: "the dialect's name of the metaevent",
  find: `to_luastring("__${stock}", true)`,
  replace: `to_luastring("__${name}", true)`,
})

export const OPERATORS: readonly Patch[] = [
  {
    name: 'double operands first',
    file,
    why: 'the integer path becomes the path of doubles',
    find: /op1\.ttisinteger\(\) && op2\.ttisinteger\(\)/g,
    replace: 'op1.type === LUA_TNUMFLT && op2.type === LUA_TNUMFLT',
    count: 5,
  },
  {
    name: 'add',
    file,
    why,
    find: 'setivalue((op1.value + op2.value)|0)',
    replace: 'setfltvalue(op1.value + op2.value)',
  },
  {
    name: 'subtract',
    file,
    why,
    find: 'setivalue((op1.value - op2.value)|0)',
    replace: 'setfltvalue(op1.value - op2.value)',
  },
  {
    name: 'multiply',
    file,
    why,
    find: 'setivalue(luaV_imul(op1.value, op2.value))',
    replace: 'setfltvalue(op1.value * op2.value)',
  },
  {
    name: 'modulo of doubles',
    file,
    why,
    find: 'setivalue(luaV_mod(L, op1.value, op2.value))',
    replace: 'setfltvalue(luai_nummod(L, op1.value, op2.value))',
  },
  {
    name: 'floor division',
    file,
    why,
    find: 'setivalue(luaV_div(L, op1.value, op2.value))',
    replace: 'setfltvalue(Math.floor(op1.value / op2.value))',
  },
  {
    name: 'division of numeric strings',
    file,
    why: 'does not floor, as observed',
    find: 'setfltvalue(Math.floor(numberop1 / numberop2))',
    replace: 'setfltvalue(numberop1 / numberop2)',
  },
  {
    name: 'bitwise operands',
    file,
    why: 'any number and numeric string',
    find: '(numberop1 = tointeger(op1)) !== false && (numberop2 = tointeger(op2)) !== false',
    replace: '(numberop1 = tonumber(op1)) !== false && (numberop2 = tonumber(op2)) !== false',
    count: 5,
  },
  bitwise('numberop1 & numberop2', 'and'),
  bitwise('numberop1 | numberop2', 'or'),
  bitwise('numberop1 ^ numberop2', 'xor'),
  bitwise('luaV_shiftl(numberop1, numberop2)', 'shl'),
  bitwise('luaV_shiftl(numberop1, -numberop2)', 'shr'),
  {
    name: 'bitwise not',
    file,
    why: '64 bits',
    find: `                if (op.ttisinteger()) {
                    L.stack[ra].setivalue(~op.value);`,
    replace: `                const number = tonumber(op);
                if (number !== false) {
                    L.stack[ra].setfltvalue(host.bitwise.xor(number, -1));`,
  },
  {
    name: 'no folding of bits',
    file: 'lcode.js',
    why: 'the compiler knows 32 bits only',
    find: '            return (lvm.tointeger(v1) !== false && lvm.tointeger(v2) !== false);',
    replace: '            return false;',
  },
  {
    name: 'bitwise error',
    file: 'ltm.js',
    why: 'every number has an integer form',
    find: 'return ldebug.luaG_tointerror(L, p1, p2);',
    replace:
      'return ldebug.luaG_opinterror(L, p1, p2, to_luastring("perform bitwise operation on", true));',
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
    name: 'string order',
    file,
    why: 'the hash is the text',
    find: '/* In fengari we assume string hash has same collation as byte values */',
    replace: '/* latin-1 texts order like their bytes */',
  },
  {
    name: 'no closure cache',
    file,
    why: 'setfenv on one closure must not change another',
    find: 'let ncl = getcached(p, cl.upvals, L.stack, base);  /* cached closure */',
    replace: 'let ncl = null;',
  },
  {
    name: 'nothing cached in prototypes',
    file,
    why: 'prototypes are shared and immutable',
    find: '    p.cache = ncl;  /* save it on cache for reuse */',
    replace: '',
  },
  {
    name: 'iterable objects',
    file,
    why: 'a generic for asks an object for __iter',
    find: '                let cb = ra + 3; /* call base */',
    replace: `                if (stack[ra].type !== LUA_TLCF && stack[ra].type !== LUA_TLCL) {
                    const iter = ltm.luaT_gettmbyname(L, stack[ra], "__iter");
                    if (iter.ttisfunction()) {
                        lobject.setobjs2s(L, ra + 1, ra);
                        lobject.setobj2s(L, ra, iter);
                        iterate(L, ra);
                        ldo.adjust_top(L, ci.top);
                    }
                }
                let cb = ra + 3; /* call base */`,
  },
  {
    name: 'call __iter',
    file,
    why: 'leaves iterator, state and control in the three hidden locals',
    find: 'const dojump = function',
    replace: `const iterate = function(L, ra) {
    lobject.setobjs2s(L, ra + 3, ra);
    lobject.setobjs2s(L, ra + 4, ra + 1);
    ldo.adjust_top(L, ra + 5);
    ldo.luaD_callnoyield(L, ra + 3, 3);
    for (let i = 0; i < 3; i++) lobject.setobjs2s(L, ra + i, ra + 3 + i);
};

const dojump = function`,
  },
  {
    name: 'closure types in lvm',
    file,
    why: 'for the test of iterators',
    find: '        LUA_TLCF,\n        LUA_TLIGHTUSERDATA,',
    replace: '        LUA_TLCF,\n        LUA_TLCL,\n        LUA_TLIGHTUSERDATA,',
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
]
