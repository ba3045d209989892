// The interpreter of Lua's instructions, in the place of Fengari's. Written anew because its time is the
// policy's time: opcodes are literals (V8 makes a jump table of nothing else), the program counter and
// what does not change inside a frame are locals, doubles and table slots are reached without a call.
// The budget is counted where control goes back or into a function; kill.ts says what a tick is.

import { ARITHMETIC, JOIN } from './arithmetic.ts'
import { CALLS, CLOSE, ITERATE } from './calls.ts'
import { FIELDS, INDEX_OF } from './fields.ts'
import { FLOW, FORPREP } from './flow.ts'

/** The instructions in the order of their numbers. */
export const OPCODES = (
  'MOVE LOADK LOADKX LOADBOOL LOADNIL GETUPVAL GETTABUP GETTABLE SETTABUP SETUPVAL SETTABLE NEWTABLE ' +
  'SELF ADD SUB MUL MOD POW DIV IDIV BAND BOR BXOR SHL SHR UNM BNOT NOT LEN CONCAT JMP EQ LT LE TEST ' +
  'TESTSET CALL TAILCALL RETURN FORLOOP FORPREP TFORCALL TFORLOOP SETLIST CLOSURE VARARG EXTRAARG'
).split(' ')

const numbered = (source: string): string =>
  source.replace(
    /case OP_(\w+):/g,
    (_, name: string) => `case ${OPCODES.indexOf(name)}: /* ${name} */`,
  )

const execute = (name: string): string => `
const ${name} = function(L) {
    let ci = L.ci;
    const stack = L.stack;
    ci.callstatus |= lstate.CIST_FRESH;
    frame:
    for (;;) {
        const closure = ci.func.value, p = closure.p, upvals = closure.upvals, k = p.k;
        const base = ci.l_base, code = ci.l_code;
        let pc = ci.l_savedpc;
        for (;;) {
            const i = code[pc++];
            switch (i.opcode) {
${numbered(FIELDS + ARITHMETIC + FLOW + CALLS)}
            default:
                throw Error("invalid opcode");
            }
        }
    }
};`

/** The same, counting how often each instruction runs and each function is entered. */
const counting = execute('luaV_counting')
  .replaceAll('code[pc++]', 'counted(code[pc++])')
  .replace('let pc = ci.l_savedpc;', '$& if (pc === 0) p.entries = (p.entries || 0) + 1;')

/** The source of luaV_execute and of what only it uses. */
export const EXECUTE = `
${execute('luaV_execute')}
${counting}

/* coverage: another interpreter, so that the usual one has nothing to ask */
host.countInstructions = function(isOn) {
    module.exports.luaV_execute = isOn ? luaV_counting : luaV_execute;
};

const counted = function(i) {
    i.hits = (i.hits || 0) + 1;
    return i;
};
${INDEX_OF}
${CLOSE}
${JOIN}
${FORPREP}
${ITERATE}
`
