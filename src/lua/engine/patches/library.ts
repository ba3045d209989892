// The base, table and math functions that stay Fengari's, brought to 5.1. What differs more is written
// in TypeScript.

import { supersede, type Patch } from '../patch.ts'

export const LIBRARY: readonly Patch[] = [
  {
    name: 'insert anywhere',
    file: 'ltablib.js',
    why: 'a position past the end is allowed',
    find: '            luaL_argcheck(L, 1 <= pos && pos <= e, 2, "position out of bounds");',
    replace: '',
  },
  {
    name: 'remove past the end',
    file: 'ltablib.js',
    why: 'returns nothing, as in 5.1',
    find: '    if (pos !== size)  /* validate \'pos\' if given */\n        luaL_argcheck(L, 1 <= pos && pos <= size + 1, 1, "position out of bounds");',
    replace: '    if (!(1 <= pos && pos <= size)) return 0;',
  },
  {
    name: 'plain tables',
    file: 'ltablib.js',
    why: 'the table functions take tables only',
    find: '    if (lua_type(L, arg) !== LUA_TTABLE) {  /* is it not a table? */',
    replace: '    luaL_checktype(L, arg, LUA_TTABLE);\n    if (false) {',
  },
  supersede(
    'ltablib.js',
    'const',
    'auxsort',
    'equal items end where 5.1 puts them, so it must compare and exchange in the same order',
    `
const auxsort = function(L, lo, up) {
    while (lo < up) {
        lua_geti(L, 1, lo);
        lua_geti(L, 1, up);
        if (sort_comp(L, -1, -2)) set2(L, lo, up);
        else lua_pop(L, 2);
        if (up - lo === 1) return;
        let i = (lo + up) >> 1, j = up - 1;
        lua_geti(L, 1, i);
        lua_geti(L, 1, lo);
        if (sort_comp(L, -2, -1)) set2(L, i, lo);
        else {
            lua_pop(L, 1);
            lua_geti(L, 1, up);
            if (sort_comp(L, -1, -2)) set2(L, i, up);
            else lua_pop(L, 2);
        }
        if (up - lo === 2) return;
        lua_geti(L, 1, i);  /* the pivot stays on the stack, and waits at up - 1 */
        lua_pushvalue(L, -1);
        lua_geti(L, 1, j);
        set2(L, i, j);
        i = lo;
        for (;;) {
            while (lua_geti(L, 1, ++i), sort_comp(L, -1, -2)) {
                if (i > up) luaL_error(L, to_luastring("invalid order function for sorting"));
                lua_pop(L, 1);
            }
            while (lua_geti(L, 1, --j), sort_comp(L, -3, -1)) {
                if (j < lo) luaL_error(L, to_luastring("invalid order function for sorting"));
                lua_pop(L, 1);
            }
            if (j < i) break;
            set2(L, i, j);
        }
        lua_pop(L, 3);
        lua_geti(L, 1, up - 1);
        lua_geti(L, 1, i);
        set2(L, up - 1, i);
        if (i - lo < up - i) {  /* the smaller part first */
            auxsort(L, lo, i - 1);
            lo = i + 1;
        } else {
            auxsort(L, i + 1, up);
            up = i - 1;
        }
    }
};
`,
  ),
  {
    name: 'raw gets in ltablib',
    file: 'ltablib.js',
    why: 'the table functions ask no metatable',
    find: '    lua_geti,',
    replace: '    lua_rawgeti: lua_geti,',
  },
  {
    name: 'raw sets in ltablib',
    file: 'ltablib.js',
    why: 'the table functions ask no metatable',
    find: '    lua_seti,',
    replace: '    lua_rawseti: lua_seti,',
  },
  {
    name: 'xpcall of 5.1',
    file: 'lbaselib.js',
    why: 'it takes no arguments for the function',
    find: '    let n = lua_gettop(L);\n    luaL_checktype(L, 2, LUA_TFUNCTION);  /* check error function */',
    replace: '    let n = 2;\n    luaL_checkany(L, 2);\n    lua_settop(L, 2);',
  },
  {
    name: '__tostring results',
    file: 'lbaselib.js',
    why: 'need not be strings, as in 5.1',
    find: '    luaL_checkany(L, 1);\n    luaL_tolstring(L, 1);\n',
    replace:
      '    luaL_checkany(L, 1);\n    if (luaL_callmeta(L, 1, to_luastring("__tostring", true))) return 1;\n    luaL_tolstring(L, 1);\n',
  },
  {
    name: 'callmeta in lbaselib',
    file: 'lbaselib.js',
    why: 'for tostring',
    find: '    luaL_argcheck,\n    luaL_checkany,',
    replace: '    luaL_argcheck,\n    luaL_callmeta,\n    luaL_checkany,',
  },
  {
    name: 'numbers as errors',
    file: 'lbaselib.js',
    why: 'error(42) gets its position too, as in 5.1',
    find: 'lua_type(L, 1) === LUA_TSTRING && level > 0',
    replace: '(lua_type(L, 1) === LUA_TSTRING || lua_type(L, 1) === LUA_TNUMBER) && level > 0',
  },
  {
    name: 'type names in tostring',
    file: 'lauxlib.js',
    why: '__name is not of 5.1',
    find: 'let tt = luaL_getmetafield(L, idx, __name);',
    replace: 'let tt = LUA_TNIL;',
  },
  {
    name: 'number of arguments to min and max',
    file: 'lmathlib.js',
    why: 'the message of 5.1, and numbers only',
    find: '    luaL_argcheck(L, n >= 1, 1, "value expected");',
    replace:
      '    for (let i = 1; i <= n || i === 1; i++) lua_pushnumber(L, luaL_checknumber(L, i)), lua_replace(L, i);',
    count: 2,
  },
  {
    name: 'replace in lmathlib',
    file: 'lmathlib.js',
    why: 'for min and max',
    find: '    lua_pushvalue,\n    lua_setfield,',
    replace: '    lua_pushvalue,\n    lua_replace,\n    lua_setfield,',
  },
  {
    name: 'ranges of random',
    file: 'lmathlib.js',
    why: 'a range may be larger than 32 bits',
    find: '    luaL_argcheck(L, low >= 0 || up <= LUA_MAXINTEGER + low, 1,\n        "interval too large");',
    replace: '',
  },
]
