// The dialect's grammar: the precedence of its operators, the implicit `arg`, no labels, and statements
// as 5.1 separates them.

import { supersede, type Patch } from '../patch.ts'

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
    name: 'not operator',
    file: parser,
    why: '! means not',
    find: 'case R.TK_NOT: return OPR_NOT;',
    replace: "case 33 /* '!' */: case R.TK_NOT: return OPR_NOT;",
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
  supersede(
    parser,
    'const',
    'statlist',
    'one semicolon may follow a statement, and nothing a return or break, as in 5.1',
    `
const statlist = function(ls) {
    let isLast = false;
    while (!isLast && !block_follow(ls, 1)) {
        isLast = ls.t.token === R.TK_RETURN || ls.t.token === R.TK_BREAK;
        statement(ls);
        testnext(ls, 59 /* ';' */);
    }
};
`,
  ),
  {
    name: 'semicolon after return',
    file: parser,
    why: 'the list of statements reads it',
    find: "    testnext(ls, 59 /* (';').charCodeAt(0) */);  /* skip optional semicolon */\n",
    replace: '',
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
  supersede(
    parser,
    'const',
    'test_then_block',
    'the condition is evaluated on its own line, and a break is a statement like others',
    `
const test_then_block = function(ls, escapelist) {
    const bl = new BlockCnt();
    const fs = ls.fs;
    llex.luaX_next(ls);  /* skip IF or ELSEIF */
    const skip = cond(ls);
    checknext(ls, R.TK_THEN);
    enterblock(fs, bl, false);
    statlist(ls);
    leaveblock(fs);
    if (ls.t.token === R.TK_ELSE || ls.t.token === R.TK_ELSEIF)
        escapelist = luaK_concat(fs, escapelist, luaK_jump(fs));
    luaK_patchtohere(fs, skip);
    return escapelist;
};
`,
  ),
  {
    name: 'fold to zero',
    file: 'lcode.js',
    why: 'as in 5.1: -0 is a constant, the same as an earlier 0',
    find: 'if (isNaN(n) || n === 0)',
    replace: 'if (isNaN(n))',
  },
  {
    name: 'constants of one function',
    file: 'lcode.js',
    why: 'found again whatever inner functions use; 0 and -0 are one, as in 5.1',
    find: 'fs.ls.h',
    replace: 'fs.consts',
    count: 3,
  },
  {
    name: 'table of constants',
    file: parser,
    why: 'each function has its own',
    find: 'const open_func = function(ls, fs, bl) {',
    replace: 'const open_func = function(ls, fs, bl) {\n    fs.consts = ltable.luaH_new(ls.L);',
  },
  {
    name: 'line of a call',
    file: parser,
    why: 'where its arguments begin, as in 5.1: a chain of methods over several lines needs it',
    find: '    let args = new expdesc();\n    switch (ls.t.token) {',
    replace: '    let args = new expdesc();\n    line = ls.linenumber;\n    switch (ls.t.token) {',
  },
  {
    name: 'line of an operation',
    file: 'lcode.js',
    why: 'where its last operand ends, as in 5.1',
    find: '/* all those operations are relocatable */\n    luaK_fixline(fs, line);',
    replace: '/* all those operations are relocatable */',
    count: 2,
  },
  {
    name: 'break outside a loop',
    file: parser,
    why: 'its message, near what follows',
    find: '        llex.luaX_next(ls);  /* skip break */',
    replace: `        llex.luaX_next(ls);  /* skip break */
        let loop = ls.fs.bl;
        while (loop && !loop.isloop) loop = loop.previous;
        if (!loop) llex.luaX_syntaxerror(ls, to_luastring("no loop to break", true));`,
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
