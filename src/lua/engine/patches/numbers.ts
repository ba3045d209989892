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
    'library arguments are truncated, as C casts them on x86: what does not fit is the smallest',
    `
const luaV_tointeger = function(obj, mode) {
    const n = tonumber(obj);
    if (n === false) return false;
    return n >= -(2 ** 63) && n < 2 ** 63 ? Math.trunc(n) + 0 : -(2 ** 63);
};
`,
  ),
  {
    name: 'int arguments',
    file: 'lauxlib.js',
    why: 'where 5.1 takes an int, the lower 32 bits count',
    find: 'const luaL_optinteger = function(L, arg, def) {',
    replace: `const luaL_checkint = function(L, arg) {
    return luaL_checkinteger(L, arg) | 0;
};
module.exports.luaL_checkint = luaL_checkint;

const luaL_optint = function(L, arg, def) {
    return luaL_opt(L, luaL_checkint, arg, def);
};
module.exports.luaL_optint = luaL_optint;

const luaL_optinteger = function(L, arg, def) {`,
  },
  ...['lbaselib.js', 'ltablib.js'].flatMap((file) => [
    {
      name: `int arguments in ${file}`,
      file,
      why: 'as in 5.1',
      find: '    luaL_checkinteger,',
      replace: '    luaL_checkint: luaL_checkinteger,',
    },
    {
      name: `optional int arguments in ${file}`,
      file,
      why: 'as in 5.1',
      find: '    luaL_optinteger,',
      replace: '    luaL_optint: luaL_optinteger,',
    },
  ]),
  {
    name: 'modulo',
    file: 'llimits.js',
    why: 'as 5.1 computes it',
    find: '    let m = a % b;\n    if ((m*b) < 0)\n        m += b;\n    return m;',
    replace: '    return a - Math.floor(a / b) * b;',
  },
]
