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
                return check_next1(ls, 61 /* '=' */) ? TK_NE : TK_NOT;
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
    '4, 6 or 8 hexadecimal digits without braces, as many as there are',
    `
const readutf8desc = function(ls) {
    save_and_next(ls);  /* skip 'u' */
    let r = 0;
    let n = 0;
    for (; n < 8 && lisxdigit(ls.current); n++) {
        r = r * 16 + lobject.luaO_hexavalue(ls.current);
        save_and_next(ls);
    }
    esccheck(ls, (n === 4 || n === 6 || n === 8) && r <= 0x10FFFF,
        to_luastring("expected either 4, 6 or 8 hex digits for unicode escape", true));
    luaZ_buffremove(ls.buff, n + 2);  /* backslash, 'u' and the digits */
    return r;
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
  {
    name: 'quoted tokens',
    file: lexer,
    why: 'all of them are quoted in 5.1',
    find: 'if (token < TK_EOS)  /* fixed format (symbols and reserved words)? */',
    replace: 'if (true)',
  },
]
