// Numbers: every one a double, printed with %.14g by the host. The integer variant of 5.3 disappears
// by giving both variants one tag; what is left of its code can no longer be reached.

import { supersede, type Patch } from '../patch.ts'

const why = 'all numbers are doubles'

export const NUMBERS: readonly Patch[] = [
  {
    name: 'one number tag',
    file: 'defs.js',
    why,
    find: 'LUA_TNUMINT = constant_types.LUA_TNUMBER | (1 << 4)',
    replace: 'LUA_TNUMINT = constant_types.LUA_TNUMBER | (0 << 4)',
  },
  {
    name: 'no integers',
    file: 'lobject.js',
    why,
    find: 'return this.checktag(LUA_TNUMINT);',
    replace: 'return false;',
  },
  {
    name: 'constants found again',
    file: 'lcode.js',
    why: 'their index is a double now',
    find: 'if (idx.ttisinteger()) {  /* is there an index there? */',
    replace: 'if (idx.ttisnumber()) {  /* is there an index there? */',
  },
  {
    name: 'one kind of constant',
    file: 'lcode.js',
    why: 'a light userdata key would collide',
    find: '    let k = new TValue(LUA_TLIGHTUSERDATA, n);\n    let o = new TValue(LUA_TNUMINT, n);\n    return addk(fs, k, o);',
    replace: '    return luaK_numberK(fs, n);',
  },
  supersede(
    'lobject.js',
    'const',
    'luaO_str2num',
    'octal and hexadecimal text; the host reads numbers',
    `
const luaO_str2num = function(s, o) {
    const n = host.textToNumber(textOf(s));
    if (n === void 0) return 0;
    o.setfltvalue(n);
    return s.length + 1;
};
`,
  ),
  supersede(
    'lobject.js',
    'const',
    'luaO_tostring',
    '%.14g',
    `
const luaO_tostring = function(L, obj) {
    host.tick.n -= 8;
    obj.setsvalue(luaS_text(host.numberToText(obj.value)));
};
`,
  ),
  {
    name: 'host in lobject',
    file: 'lobject.js',
    why: 'for the conversions',
    find: '    luaS_bless,\n    luaS_new\n} = ',
    replace: '    luaS_bless,\n    luaS_hash: textOf,\n    luaS_text,\n    luaS_new\n} = ',
  },
  {
    name: 'host for numbers',
    file: 'lobject.js',
    why: 'for the conversions',
    find: 'const LUA_TPROTO = LUA_NUMTAGS;',
    replace: "const host = require('./host.js');\nconst LUA_TPROTO = LUA_NUMTAGS;",
  },
  supersede(
    'lvm.js',
    'const',
    'luaV_tointeger',
    'library arguments are truncated, as 5.1 does',
    `
const MAX_SAFE = 2 ** 53;
const luaV_tointeger = function(obj, mode) {
    const n = tonumber(obj);
    if (n === false || n !== n) return n === false ? false : 0;
    return n > MAX_SAFE ? MAX_SAFE : n < -MAX_SAFE ? -MAX_SAFE : Math.trunc(n);
};
`,
  ),
  {
    name: 'modulo',
    file: 'llimits.js',
    why: 'as 5.1 computes it',
    find: '    let m = a % b;\n    if ((m*b) < 0)\n        m += b;\n    return m;',
    replace: '    return a - Math.floor(a / b) * b;',
  },
  {
    name: 'large integers from libraries',
    file: 'luaconf.js',
    why,
    find: 'return n >= LUA_MININTEGER && n < -LUA_MININTEGER ? n : false;',
    replace: 'return n;',
  },
  {
    name: 'integers of tonumber with base',
    file: 'lbaselib.js',
    why,
    find: '    return v|0;',
    replace: '    return v;',
  },
]
