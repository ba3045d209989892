// The dialect's grammar: the precedence of its operators, the implicit `arg`, no labels, and statements
// as 5.1 separates them.

import type { Patch } from '../patch.ts'

const parser = 'lparser.js'

export const PARSER: readonly Patch[] = [
  {
    name: 'xor operator',
    file: parser,
    why: '~ is unary only',
    find: "case 126 /* ('~').charCodeAt(0) */: return OPR_BXOR;",
    replace: 'case R.TK_DBCOLON: return OPR_BXOR;',
  },
  {
    name: 'precedence of bits',
    file: parser,
    why: 'and, or and xor bind like +',
    find: '    {left: 6, right: 6}, {left: 4, right: 4}, {left: 5, right: 5},',
    replace: '    {left: 10, right: 10}, {left: 10, right: 10}, {left: 10, right: 10},',
  },
  {
    name: 'precedence of shifts',
    file: parser,
    why: 'shifts bind like *',
    find: '    {left: 7, right: 7}, {left: 7, right: 7},',
    replace: '    {left: 11, right: 11}, {left: 11, right: 11},',
  },
  {
    name: 'no labels',
    file: parser,
    why: 'their token means xor',
    find: '        case R.TK_DBCOLON: {  /* stat -> label */',
    replace: '        case -1: {',
  },
  {
    name: 'no empty statements',
    file: parser,
    why: 'as in 5.1',
    find: "        case 59 /* (';').charCodeAt(0) */: {  /* stat -> ';' (empty statement) */",
    replace: '        case -2: {',
  },
  {
    name: 'statement separator',
    file: parser,
    why: 'one semicolon may follow a statement',
    find: "            return;  /* 'return' must be last statement */\n        }\n        statement(ls);",
    replace:
      "            return;  /* 'return' must be last statement */\n        }\n        statement(ls);\n        testnext(ls, 59 /* ';' */);",
  },
  {
    name: 'expression statements',
    file: parser,
    why: 'what is no call must be an assignment, with its message',
    find: "    if (ls.t.token === 61 /* ('=').charCodeAt(0) */ || ls.t.token === 44 /* (',').charCodeAt(0) */) { /* stat . assignment ? */",
    replace: '    if (v.v.k !== expkind.VCALL) {',
  },
  {
    name: 'ambiguous call',
    file: parser,
    why: 'a call on a new line is an error, as in 5.1',
    find: "        case 40 /* ('(').charCodeAt(0) */: {  /* funcargs -> '(' [ explist ] ')' */",
    replace: `        case 40 /* ('(').charCodeAt(0) */: {  /* funcargs -> '(' [ explist ] ')' */
            if (ls.linenumber !== ls.lastline)
                llex.luaX_syntaxerror(ls, to_luastring("ambiguous syntax (function call x new statement)", true));`,
  },
  {
    name: 'break outside a loop',
    file: parser,
    why: 'its message, where the break stands',
    find: '        llex.luaX_next(ls);  /* skip break */',
    replace: `        let loop = ls.fs.bl;
        while (loop && !loop.isloop) loop = loop.previous;
        if (!loop) llex.luaX_syntaxerror(ls, to_luastring("no loop to break", true));
        llex.luaX_next(ls);  /* skip break */`,
  },
  {
    name: 'implicit arg',
    file: parser,
    why: 'a vararg function that does not use `...` gets the table `arg`',
    find: '                    f.is_vararg = true;  /* declared vararg */',
    replace: '                    f.is_vararg = f.needs_arg = true;',
  },
  {
    name: 'the local arg',
    file: parser,
    why: 'it follows the parameters',
    find: '    f.numparams = fs.nactvar;\n',
    replace: `    f.numparams = fs.nactvar;
    if (f.is_vararg) {
        new_localvarliteral(ls, "arg");
        adjustlocalvars(ls, 1);
        f.has_arg = true;
    }
`,
  },
  {
    name: 'no arg with dots',
    file: parser,
    why: 'a function that uses `...` needs no table',
    find: '            init_exp(v, expkind.VVARARG,',
    replace: '            fs.f.needs_arg = false;\n            init_exp(v, expkind.VVARARG,',
  },
  {
    name: 'prototype with arg',
    file: 'lfunc.js',
    why: 'whether the local exists and is filled',
    find: '        this.is_vararg = false;',
    replace:
      '        this.is_vararg = false;\n        this.has_arg = false;\n        this.needs_arg = false;',
  },
  {
    name: 'fill arg',
    file: 'ldo.js',
    why: 'when the function is entered',
    find: '        L.stack[L.top++] = new lobject.TValue(LUA_TNIL, null);\n\n    return base;',
    replace: `        L.stack[L.top++] = new lobject.TValue(LUA_TNIL, null);

    if (p.has_arg) {
        const arg = new lobject.TValue(LUA_TNIL, null);
        if (p.needs_arg) {
            const t = ltable.luaH_new(L);
            const extra = Math.max(actual - nfixargs, 0);
            for (let j = 0; j < extra; j++)
                ltable.luaH_setint(t, j + 1, L.stack[fixed + nfixargs + j]);
            const n = new lobject.TValue(LUA_TLNGSTR, luaS_newliteral(L, "n"));
            ltable.luaH_setfrom(L, t, n, new lobject.TValue(LUA_TNUMBER, extra));
            arg.sethvalue(t);
        }
        L.stack[L.top++] = arg;
    }

    return base;`,
  },
  {
    name: 'types for arg',
    file: 'ldo.js',
    why: 'to fill it',
    find: '        LUA_TLCL,\n        LUA_TNIL\n',
    replace: '        LUA_TLCL,\n        LUA_TLNGSTR,\n        LUA_TNIL,\n        LUA_TNUMBER\n',
  },
  {
    name: 'tables for arg',
    file: 'ldo.js',
    why: 'to fill it',
    find: "const lstate   = require('./lstate.js');",
    replace: "const lstate   = require('./lstate.js');\nconst ltable   = require('./ltable.js');",
  },
]
