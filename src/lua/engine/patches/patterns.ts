// Patterns match what they match in 5.1, where they are C strings, and their errors have its words.

import { supersede, type Patch } from '../patch.ts'

export const PATTERNS: readonly Patch[] = [
  {
    name: 'match at the start',
    file: 'lstrlib.js',
    why: 'a match that ends at offset 0 is a match',
    find: '        if (res) return res;',
    replace: '        if (res !== null) return res;',
  },
  {
    name: 'search from behind the end',
    file: 'lstrlib.js',
    why: 'starts at the end, as in 5.1',
    find: "{  /* start after string's end? */\n        lua_pushnil(L);  /* cannot find anything */\n        return 1;\n    }",
    replace: 'init = ls + 1;',
  },
  {
    name: 'patterns end at a NUL',
    file: 'lstrlib.js',
    why: 'they are C strings in 5.1: %z matches a NUL',
    find: '    ms.p = p;\n    ms.p_end = lp;',
    replace: `    let end = 0;
    while (end < lp && p[end] !== 0) end++;
    ms.p = end === p.length ? p : p.subarray(0, end);
    ms.p_end = end;`,
  },
  {
    name: 'specials before a NUL',
    file: 'lstrlib.js',
    why: 'what follows a NUL does not make a text a pattern',
    find: '    for (let i=0; i<l; i++) {\n        if (luastring_indexOf(SPECIALS',
    replace: '    for (let i=0; i<l && p[i] !== 0; i++) {\n        if (luastring_indexOf(SPECIALS',
  },
  {
    name: 'balanced pattern',
    file: 'lstrlib.js',
    why: 'the message of 5.1',
    find: 'to_luastring("malformed pattern (missing arguments to \'%%b\'")',
    replace: 'to_luastring("unbalanced pattern")',
  },
  {
    name: 'no class g',
    file: 'lstrlib.js',
    why: '%g and %G are the letters in 5.1',
    find: /^ *case (?:103|71) .*isgraph\(c\);\n/gm,
    replace: '',
    count: 2,
  },
  {
    name: 'back reference to a position',
    file: 'lstrlib.js',
    why: 'never matches, as in 5.1',
    find: 'if ((ms.src_end-s) >= len && array_cmp',
    replace: 'if (len !== CAP_POSITION && (ms.src_end-s) >= len && array_cmp',
  },
  {
    name: 'capture index',
    file: 'lstrlib.js',
    why: 'the message of 5.1',
    find: 'to_luastring("invalid capture index %%%d")',
    replace: 'to_luastring("invalid capture index")',
    count: 2,
  },
  supersede(
    'lstrlib.js',
    'const',
    'gmatch_aux',
    'an empty match advances by one, as in 5.1',
    `
const gmatch_aux = function(L) {
    const gm = lua_touserdata(L, lua_upvalueindex(3));
    gm.ms.L = L;
    for (let src = gm.src; src <= gm.ms.src_end; src++) {
        reprepstate(gm.ms);
        const e = match(gm.ms, src, 0);
        if (e !== null) {
            gm.src = e === src ? e + 1 : e;
            return push_captures(gm.ms, src, e);
        }
    }
    return 0;
};
`,
  ),
]
