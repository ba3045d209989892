// Error texts as 5.1 words them, JavaScript errors turned into Lua errors by the host, and file
// names in messages never shortened.

import { supersede, type Patch } from '../patch.ts'

export const ERRORS: readonly Patch[] = [
  {
    name: 'natives are C functions',
    file: 'ldebug.js',
    why: 'debug.getinfo and tracebacks say so in 5.1, and `strict` asks for it',
    find: '"J"',
    replace: '"C"',
  },
  {
    name: 'the source of natives',
    file: 'ldebug.js',
    why: 'as above',
    find: '"=[JS]"',
    replace: '"=[C]"',
  },
  supersede(
    'ldebug.js',
    'const',
    'luaG_typeerror',
    'the name comes before the type',
    `
const luaG_typeerror = function(L, o, op) {
    const t = ltm.luaT_objtypename(L, o);
    const kind = varkind(L, o);
    if (kind)
        luaG_runerror(L, to_luastring("attempt to %s %s '%s' (a %s value)", true), op, kind.funcname, kind.name, t);
    else
        luaG_runerror(L, to_luastring("attempt to %s a %s value", true), op, t);
};
`,
  ),
  supersede(
    'ldebug.js',
    'const',
    'varinfo',
    'its parts are wanted, not a text',
    `
const NAMED = ["local", "global", "field", "upvalue", "method"];
const varkind = function(L, o) {
    const ci = L.ci;
    if (!(ci.callstatus & lstate.CIST_LUA)) return null;
    const stkid = isinstack(L, ci, o);
    const kind = getupvalname(L, ci, o) ||
        (stkid !== false ? getobjname(ci.func.value.p, currentpc(ci), stkid - ci.l_base) : null);
    if (!kind || !NAMED.includes(Buffer.from(kind.funcname).toString()) || kind.name[0] === 40) return null;
    return kind;
};

const varinfo = function() {
    return to_luastring("", true);
};
`,
  ),
  {
    name: 'type names',
    file: 'ltm.js',
    why: '__name is not of 5.1',
    find: '        if (name.ttisstring())',
    replace: '        if (false)',
  },
  {
    name: 'argument type names',
    file: 'lauxlib.js',
    why: '__name is not of 5.1',
    find: '    if (luaL_getmetafield(L, arg, __name) === LUA_TSTRING)',
    replace: '    if (false)',
  },
  {
    name: 'names of native functions',
    file: 'lauxlib.js',
    why: "5.1 says '?' where the call has no name",
    find: 'pushglobalfuncname(L, ar) ? lua_tostring(L, -1) : to_luastring("?")',
    replace: 'to_luastring("?")',
  },
  {
    name: 'names in tracebacks',
    file: 'lauxlib.js',
    why: 'a native that waits has no function in its place on the stack while another thread looks',
    find: '    if (pushglobalfuncname(L, ar)) {',
    replace: '    if (false) {',
  },
  {
    name: 'whole file names',
    file: 'lobject.js',
    why: 'policy errors must name their file',
    find: '        if (l <= bufflen) {  /* small enough? */',
    replace: '        if (true) {',
  },
  {
    name: 'name of an iterator',
    file: 'ldebug.js',
    why: 'the words of 5.1',
    find: 'r.name = to_luastring("for iterator", true);',
    replace: 'r.name = to_luastring("(for generator)", true);',
  },
]
