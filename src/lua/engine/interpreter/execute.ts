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

/** The source of luaV_execute and of what only it uses. */
export const EXECUTE = `
const luaV_execute = function(L) {
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
};
${INDEX_OF}
${CLOSE}
${JOIN}
${FORPREP}
${ITERATE}
`
