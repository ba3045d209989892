// The string library brought to 5.1: formats by the host, gsub whose callbacks may suspend. patterns.ts
// has what concerns matching.

import { supersede, type Patch } from '../patch.ts'

export const STRING_LIBRARY: readonly Patch[] = [
  {
    name: 'int arguments in lstrlib.js',
    file: 'lstrlib.js',
    why: 'for rep, char and gsub',
    find: '    luaL_checkinteger,',
    replace: '    luaL_checkint,\n    luaL_checkinteger,\n    luaL_optint,',
  },
  {
    name: 'int times',
    file: 'lstrlib.js',
    why: 'rep takes an int and no separator, as in 5.1',
    find: 'let n = luaL_checkinteger(L, 2);\n    let sep = luaL_optstring(L, 3, "");',
    replace: 'let n = luaL_checkint(L, 2);\n    const sep = "";',
  },
  {
    name: 'int octets',
    file: 'lstrlib.js',
    why: 'char takes ints, as in 5.1',
    find: 'let c = luaL_checkinteger(L, i);',
    replace: 'let c = luaL_checkint(L, i);',
  },
  {
    name: 'string.char range',
    file: 'lstrlib.js',
    why: 'the argument number was missing',
    find: 'luaL_argcheck(L, c >= 0 && c <= 255, "value out of range");',
    replace: 'luaL_argcheck(L, c >= 0 && c <= 255, i, "invalid value");',
  },
  {
    name: 'lenient replacement',
    file: 'lstrlib.js',
    why: '`%-` in a replacement is the character, as in 5.1',
    find: `                if (news[i] !== L_ESC)
                    luaL_error(L, to_luastring("invalid use of '%c' in replacement string"), L_ESC);
                luaL_addchar(b, news[i]);`,
    replace: '                luaL_addchar(b, news[i]);',
  },
  {
    name: 'plain replacement',
    file: 'lstrlib.js',
    why: 'text without captures is copied at once',
    find: '    let l = news.length;\n    for (let i = 0; i < l; i++) {\n        if (news[i] !== L_ESC)',
    replace: `    let l = news.length;
    if (news.indexOf(L_ESC) < 0) return luaL_addlstring(b, news, l);
    for (let i = 0; i < l; i++) {
        if (news[i] !== L_ESC)`,
  },
  {
    name: 'letters without a call',
    file: 'lstrlib.js',
    why: 'a body changes case in linear time',
    find: 'if (islower(c))',
    replace: 'if (c >= 97 && c <= 122)',
  },
  {
    name: 'capitals without a call',
    file: 'lstrlib.js',
    why: 'a body changes case in linear time',
    find: 'if (isupper(c))',
    replace: 'if (c >= 65 && c <= 90)',
  },
  {
    name: 'repeat by doubling',
    file: 'lstrlib.js',
    why: 'a copy per repetition is slow for short texts, and endless for an empty one',
    find: '        while (n-- > 1) {  /* first n-1 copies (followed by separator) */',
    replace: `        p.set(s, 0);
        p.set(sep, l);
        for (let done = l + lsep; done > 0 && done < totallen; done *= 2)
            p.copyWithin(done, 0, Math.min(done, totallen - done));
        n = 0;
        pi = totallen - l;
        while (n-- > 1) {`,
  },
  supersede(
    'lstrlib.js',
    'const',
    'str_format',
    'conversions are those of C, and %s takes strings and numbers only',
    `
const str_format = function(L) {
    const top = lua_gettop(L);
    const format = luaL_checkstring(L, 1);
    const b = new luaL_Buffer();
    luaL_buffinit(L, b);
    let arg = 1;
    for (let i = 0; i < format.length;) {
        if (format[i] !== L_ESC) {
            luaL_addchar(b, format[i++]);
            continue;
        }
        if (format[++i] === L_ESC) {
            luaL_addchar(b, format[i++]);
            continue;
        }
        const form = [];
        ++arg;
        tick.n -= 8;
        i = scanformat(L, format, i, form);
        const conversion = i < format.length ? String.fromCharCode(format[i]) : "";
        const spec = String.fromCharCode(...form.slice(1, -1));
        i++;
        switch (conversion) {
            case 'c': case 'd': case 'i': case 'o': case 'u': case 'x': case 'X':
            case 'e': case 'E': case 'f': case 'g': case 'G':
                luaL_addstring(b, to_luastring_bytes(host.formatNumber(spec, conversion, luaL_checknumber(L, arg))));
                break;
            case 'q': {
                const s = luaL_checkstring(L, arg);
                addquoted(b, s, s.length);
                break;
            }
            case 's': {
                const s = luaL_checkstring(L, arg);
                if (s.length >= 100 ? !spec.includes(".") : spec === "" && s.indexOf(0) < 0) luaL_addlstring(b, s, s.length);
                else luaL_addstring(b, to_luastring_bytes(host.formatString(spec, Buffer.from(s).latin1Slice())));
                break;
            }
            default:
                return luaL_error(L, to_luastring("invalid option '%%%s' to 'format'"),
                    conversion === "\\0" ? "" : to_luastring_bytes(conversion));
        }
    }
    luaL_pushresult(b);
    return 1;
};

const to_luastring_bytes = function(text) {
    return new Uint8Array(Buffer.from(text, "latin1"));
};
`,
  ),
  {
    name: 'five flags',
    file: 'lstrlib.js',
    why: 'as many as there are, in any order, are no repetition',
    find: 'if (p - i >= FLAGS.length)',
    replace: 'if (p - i > FLAGS.length)',
  },
  supersede(
    'lstrlib.js',
    'const',
    'addquoted',
    'the escapes of 5.1',
    `
const addquoted = function(b, s, len) {
    luaL_addchar(b, 34);
    for (let i = 0; i < len; i++) {
        switch (s[i]) {
            case 34: case 92: case 10: luaL_addchar(b, 92); luaL_addchar(b, s[i]); break;
            case 13: luaL_addstring(b, "\\\\r"); break;
            case 0: luaL_addstring(b, "\\\\000"); break;
            default: luaL_addchar(b, s[i]);
        }
    }
    luaL_addchar(b, 34);
};
`,
  ),
  supersede(
    'lstrlib.js',
    'const',
    'str_gsub',
    'a replacement function may suspend',
    `
const str_gsub = function(L) {
    const src = luaL_checkstring(L, 1);
    let p = luaL_checkstring(L, 2);
    const tr = lua_type(L, 3);
    const max = luaL_optint(L, 4, src.length + 1);
    luaL_argcheck(L, tr === LUA_TNUMBER || tr === LUA_TSTRING || tr === LUA_TFUNCTION || tr === LUA_TTABLE, 3,
        "string/function/table expected");
    const anchor = p[0] === 94 /* '^' */;
    if (anchor) p = p.subarray(1);
    const g = { ms: new MatchState(L), b: new luaL_Buffer(), tr, max, anchor, n: 0, src: 0, end: 0 };
    luaL_buffinit(L, g.b);
    prepstate(g.ms, L, src, src.length, p, p.length);
    return gsub_loop(L, g);
};

const gsub_loop = function(L, g) {
    const ms = g.ms;
    while (g.n < g.max) {
        reprepstate(ms);
        const e = match(ms, g.src, 0);
        if (e !== null) {
            g.n++;
            g.end = e;
            if (g.tr === LUA_TFUNCTION) {
                lua_pushvalue(L, 3);
                const n = push_captures(ms, g.src, e);
                lua_callk(L, n, 1, g, gsub_resumed);
                gsub_keep(L, g);
            } else add_value(ms, g.b, g.src, e, g.tr);
            if (gsub_step(g, e)) break;
        } else if (gsub_step(g, e)) break;
    }
    luaL_addlstring(g.b, ms.src.subarray(g.src, ms.src_end), ms.src_end - g.src);
    luaL_pushresult(g.b);
    lua_pushinteger(L, g.n);
    return 2;
};

/* moves on as 5.1 does: an empty match also copies one character */
const gsub_step = function(g, e) {
    if (e !== null && e > g.src) g.src = e;
    else if (g.src < g.ms.src_end) luaL_addchar(g.b, g.ms.src[g.src++]);
    else return true;
    return g.anchor;
};

const gsub_keep = function(L, g) {
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        lua_pushlstring(L, g.ms.src.subarray(g.src, g.end), g.end - g.src);
    } else if (!lua_isstring(L, -1))
        luaL_error(L, to_luastring("invalid replacement value (a %s)"), luaL_typename(L, -1));
    luaL_addvalue(g.b);
};

const gsub_resumed = function(L, status, g) {
    gsub_keep(L, g);
    if (gsub_step(g, g.end)) g.max = g.n;
    return gsub_loop(L, g);
};
`,
  ),
  {
    name: 'continuations in lstrlib',
    file: 'lstrlib.js',
    why: 'for gsub',
    find: '    lua_call,\n    lua_createtable,',
    replace: '    lua_call,\n    lua_callk,\n    lua_createtable,',
  },
  {
    name: 'string library of 5.1',
    file: 'lstrlib.js',
    why: 'no dump, no pack; gfind is the old name of gmatch',
    find: '    "dump":     str_dump,',
    replace: '    "gfind":    str_gmatch,',
  },
  {
    name: 'no pack',
    file: 'lstrlib.js',
    why: 'not of 5.1',
    find: '    "pack":     str_pack,\n',
    replace: '',
  },
  {
    name: 'no packsize',
    file: 'lstrlib.js',
    why: 'not of 5.1',
    find: '    "packsize": str_packsize,\n',
    replace: '',
  },
  {
    name: 'no unpack of bytes',
    file: 'lstrlib.js',
    why: 'not of 5.1',
    find: '    "unpack":   str_unpack,\n',
    replace: '',
  },
]
