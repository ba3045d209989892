// The dialect's tokens: `!=`, `!`, `^^`, `\`, octal literals, `\xHH` and `\uHHHH`, lenient escapes,
// `goto` as a name, and no `//` or `::`. Two token numbers of 5.3 serve again: that of `//` for `\`,
// that of `::` for `^^`.

import { supersede, type Patch } from '../patch.ts'

const lexer = 'llex.js'

export const LEXER: readonly Patch[] = [
  {
    name: 'token texts',
    file: lexer,
    why: 'for error messages',
    find: '"//", "..", "...", "==", ">=", "<=", "~=",\n    "<<", ">>", "::",',
    replace: '"\\\\", "..", "...", "==", ">=", "<=", "~=",\n    "<<", ">>", "^^",',
  },
  {
    name: 'goto is a name',
    file: lexer,
    why: 'there are no labels in the dialect',
    find: 'const token_to_index = Object.create(null);',
    replace: 'const GOTO = TK_GOTO - FIRST_RESERVED;\nconst token_to_index = Object.create(null);',
  },
  {
    name: 'goto is not reserved',
    file: lexer,
    why: 'there are no labels in the dialect',
    find: 'if (kidx !== void 0 && kidx <= 22)  /* reserved word? */',
    replace: 'if (kidx !== void 0 && kidx < 22 && kidx !== GOTO)  /* reserved word? */',
  },
  {
    name: 'no floor division by //',
    file: lexer,
    why: 'a syntax error in the dialect',
    find: "if (check_next1(ls, 47 /* ('/').charCodeAt(0) */)) return TK_IDIV;\n                else return",
    replace: 'return',
  },
  {
    name: 'no double colon',
    file: lexer,
    why: 'a syntax error in the dialect',
    find: "if (check_next1(ls, 58 /* (':').charCodeAt(0) */)) return TK_DBCOLON;\n                else return",
    replace: 'return',
  },
  {
    name: 'new operators',
    file: lexer,
    why: '`!=`, `!`, `^^` and backslash',
    find: "            case 34 /* ('\"').charCodeAt(0) */:\n            case 39 /* ('\\'').charCodeAt(0) */: {  /* short literal strings */",
    replace: `            case 33 /* '!' */: {
                next(ls);
                return check_next1(ls, 61 /* '=' */) ? TK_NE : 33;
            }
            case 94 /* '^' */: {
                next(ls);
                return check_next1(ls, 94 /* '^' */) ? TK_DBCOLON : 94;
            }
            case 92: {
                next(ls);
                return TK_IDIV;
            }
            case 34 /* ('"').charCodeAt(0) */:
            case 39 /* ('\\'').charCodeAt(0) */: {  /* short literal strings */`,
  },
  supersede(
    lexer,
    'const',
    'read_numeral',
    'numerals end as in 5.1, and the host reads them',
    `
const read_numeral = function(ls, seminfo) {
    do {
        save_and_next(ls);
    } while (lisdigit(ls.current) || ls.current === 46 /* '.' */);
    if (check_next2(ls, "Ee"))
        check_next2(ls, "+-");
    while (lislalnum(ls.current))
        save_and_next(ls);
    const obj = new lobject.TValue();
    if (lobject.luaO_str2num(luaZ_buffer(ls.buff), obj) === 0)
        lexerror(ls, to_luastring("malformed number", true), TK_FLT);
    seminfo.r = obj.value;
    return TK_FLT;
};
`,
  ),
  {
    name: 'hexadecimal escape',
    file: lexer,
    why: 'its message',
    find: 'to_luastring("hexadecimal digit expected", true)',
    replace: 'to_luastring("expected hex digit", true)',
  },
  supersede(
    lexer,
    'const',
    'esccheck',
    'the message shows the string as far as it was read',
    `
const esccheck = function(ls, c, msg) {
    if (!c) {
        const escape = ls.buff.buffer.subarray(0, ls.buff.n).lastIndexOf(92);
        if (escape > 0) ls.buff.n = escape;
        lexerror(ls, msg, TK_STRING);
    }
};
`,
  ),
  supersede(
    lexer,
    'const',
    'readutf8desc',
    '4, 6 or 8 hexadecimal digits without braces, as many as there are, of an int',
    `
const readutf8desc = function(ls) {
    save_and_next(ls);  /* skip 'u' */
    let r = 0;
    let n = 0;
    for (; n < 8 && lisxdigit(ls.current); n++) {
        r = r * 16 + lobject.luaO_hexavalue(ls.current);
        save_and_next(ls);
    }
    esccheck(ls, n === 4 || n === 6 || n === 8,
        to_luastring("expected either 4, 6 or 8 hex digits for unicode escape", true));
    luaZ_buffremove(ls.buff, n + 2);  /* backslash, 'u' and the digits */
    return r | 0;
};
`,
  ),
  {
    name: 'decimal escape',
    file: lexer,
    why: 'its message',
    find: 'to_luastring("decimal escape too large", true)',
    replace: 'to_luastring("escape sequence too large", true)',
  },
  {
    name: 'lenient escapes',
    file: lexer,
    why: 'an unknown escape is the character itself',
    find: 'esccheck(ls, lisdigit(ls.current), to_luastring("invalid escape sequence", true));',
    replace: "if (!lisdigit(ls.current)) { c = ls.current; will = 'read_save'; break; }",
  },
  {
    name: 'no zap escape',
    file: lexer,
    why: '\\z is the letter z',
    find: "case 122 /* ('z').charCodeAt(0) */: {",
    replace: 'case -2: {',
  },
  {
    name: 'unfinished long string',
    file: lexer,
    why: 'its message',
    find: '`unfinished long ${what} (starting at line ${line})`',
    replace: '`unfinished long ${what}`',
  },
  supersede(
    lexer,
    'const',
    'luaX_token2str',
    'tokens are quoted, and single octets shown, as in 5.1',
    `
const luaX_token2str = function(ls, token) {
    if (token >= FIRST_RESERVED)
        return lobject.luaO_pushfstring(ls.L, to_luastring("'%s'", true), luaX_tokens[token - FIRST_RESERVED]);
    if (token < 32 || token === 127)
        return lobject.luaO_pushfstring(ls.L, to_luastring("'char(%d)'", true), token);
    return lobject.luaO_pushfstring(ls.L, to_luastring("'%s'", true), Uint8Array.of(token));
};
`,
  ),
  {
    name: 'token texts until a NUL',
    file: lexer,
    why: 'they are C strings in 5.1',
    find: 'to_luastring("\'%s\'", true), luaZ_buffer(ls.buff));',
    replace: 'to_luastring("\'%s\'", true), untilNul(luaZ_buffer(ls.buff)));',
  },
  {
    name: 'until a NUL',
    file: lexer,
    why: 'for token texts',
    find: 'const txtToken = function',
    replace: `const untilNul = function(bytes) {
    const end = bytes.indexOf(0);
    return end < 0 ? bytes : bytes.subarray(0, end);
};

const txtToken = function`,
  },
  {
    name: 'start of a token',
    file: lexer,
    why: 'for the column of a syntax error',
    find: 'const llex = function(ls, seminfo) {\n    luaZ_resetbuffer(ls.buff);\n    for (;;) {',
    replace: `const llex = function(ls, seminfo) {
    luaZ_resetbuffer(ls.buff);
    for (;;) {
        ls.start = ls.z.data.start + (ls.current === EOZ ? ls.z.off : ls.z.off - 1);`,
  },
  {
    name: 'start of the current token',
    file: lexer,
    why: 'for the column of a syntax error',
    find: '        ls.t.token = llex(ls, ls.t.seminfo);  /* read next token */',
    replace: '        ls.t.token = llex(ls, ls.t.seminfo), ls.t.start = ls.start;',
  },
  {
    name: 'start of the next token',
    file: lexer,
    why: 'for the column of a syntax error',
    find: '    ls.lookahead.token = llex(ls, ls.lookahead.seminfo);',
    replace:
      '    ls.lookahead.token = llex(ls, ls.lookahead.seminfo);\n    ls.lookahead.start = ls.start;',
  },
  {
    name: 'the next token becomes current',
    file: lexer,
    why: 'its start too',
    find: '        ls.t.token = ls.lookahead.token;  /* use this one */',
    replace: '        ls.t.token = ls.lookahead.token;\n        ls.t.start = ls.lookahead.start;',
  },
  {
    name: 'place of a syntax error',
    file: lexer,
    why: 'the host makes a column of it',
    find: '    lexerror(ls, msg, ls.t.token);',
    replace: '    ls.start = ls.t.start;\n    lexerror(ls, msg, ls.t.token);',
  },
  {
    name: 'tell the place',
    file: lexer,
    why: 'the host makes a column of it',
    find: '    msg = ldebug.luaG_addinfo(ls.L, msg, ls.source, ls.linenumber);\n    if (token)',
    replace:
      '    host.syntaxAt = ls.start;\n    msg = ldebug.luaG_addinfo(ls.L, msg, ls.source, ls.linenumber);\n    if (token)',
  },
  {
    name: 'host in llex',
    file: lexer,
    why: 'for the place of a syntax error',
    find: 'const FIRST_RESERVED = 257;',
    replace: "const host = require('./host.js');\nconst FIRST_RESERVED = 257;",
  },
  {
    name: 'no nested long brackets',
    file: lexer,
    why: 'refused, as in 5.1',
    find: "            case 93 /* (']').charCodeAt(0) */: {\n                if (skip_sep(ls) === sep) {",
    replace: `            case 91 /* '[' */: {
                if (skip_sep(ls) === sep) {
                    save_and_next(ls);
                    if (sep === 0)
                        lexerror(ls, to_luastring("nesting of [[...]] is deprecated", true), 91);
                }
                break;
            }
            case 93 /* (']').charCodeAt(0) */: {
                if (skip_sep(ls) === sep) {`,
  },
]
