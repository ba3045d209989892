// Instructions that decide and repeat. Every jump backwards and every turn of a loop is a tick.

import { A, B, JUMP, KB, KC, NIL, NUMBER, SAVE, copy, isFalse, setNumber } from './operands.ts'

const order = (name: string, operator: string, slow: string): string => `
            case OP_${name}: {
                const l = ${KB}, r = ${KC};
                let holds;
                if (l.type === ${NUMBER} && r.type === ${NUMBER}) holds = l.value ${operator} r.value;
                else { ${SAVE} holds = ${slow}(L, l, r) === 1; }
                if (holds !== (i.A !== 0)) pc++;
                else ${JUMP}
                break;
            }`

export const FLOW = `
            case OP_JMP: {
                pc--;
                ${JUMP}
                break;
            }
            case OP_EQ: {
                const l = ${KB}, r = ${KC};
                let holds;
                if (l.type !== r.type) holds = false;
                else if (l.type === ${NUMBER} || l.value === r.value) holds = l.value === r.value;
                else { ${SAVE} holds = luaV_equalobj(L, l, r) === 1; }
                if (holds !== (i.A !== 0)) pc++;
                else ${JUMP}
                break;
            }
            ${order('LT', '<', 'luaV_lessthan')}
            ${order('LE', '<=', 'luaV_lessequal')}
            case OP_TEST: {
                const slot = ${A};
                if (${isFalse('slot')} === (i.C !== 0)) pc++;
                else ${JUMP}
                break;
            }
            case OP_TESTSET: {
                const slot = ${B};
                if (${isFalse('slot')} === (i.C !== 0)) pc++;
                else {
                    ${copy(A, 'slot')}
                    ${JUMP}
                }
                break;
            }
            case OP_FORPREP: {
                ${SAVE}
                forprep(L, stack[base + i.A], stack[base + i.A + 1], stack[base + i.A + 2]);
                pc += i.sBx;
                break;
            }
            case OP_FORLOOP: {
                if (--tick.n < 0) { ${SAVE} host.over(); }
                const off = base + i.A, counter = stack[off];
                const step = stack[off + 2].value, limit = stack[off + 1].value, n = counter.value + step;
                if (step > 0 ? n <= limit : limit <= n) {
                    counter.value = n;
                    ${setNumber('stack[off + 3]', 'n')}
                    pc += i.sBx;
                }
                break;
            }
            case OP_TFORLOOP: {
                const control = stack[base + i.A + 1];
                if (control.type !== ${NIL}) {
                    ${copy(A, 'control')}
                    pc += i.sBx;
                }
                break;
            }`

/** Makes the limits of a numeric for numbers, and steps back once before the first turn. */
export const FORPREP = `
const forprep = function(L, init, limit, step) {
    const read = function(slot, what) {
        const n = tonumber(slot);
        if (n === false) ldebug.luaG_runerror(L, to_luastring("'for' " + what + " must be a number"));
        return n;
    };
    limit.setfltvalue(read(limit, "limit"));
    step.setfltvalue(read(step, "step"));
    init.setfltvalue(read(init, "initial value") - step.value);
};`
