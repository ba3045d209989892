// Instructions that compute: doubles in place, all else (numeric strings, 64-bit operations of the
// host, metamethods) by way of a function.

import { A, B, KB, KC, NUMBER, SAVE, STRING, isFalse, setNumber } from './operands.ts'

// `slow` computes what numeric strings give where that differs.
const arithmetic = (name: string, fast: string, slow = fast): string => `
            case OP_${name}: {
                const l = ${KB}, r = ${KC};
                if (l.type === ${NUMBER} && r.type === ${NUMBER}) {
                    const a = l.value, b = r.value;
                    ${setNumber(A, fast)}
                } else {
                    ${SAVE}
                    const a = tonumber(l), b = tonumber(r);
                    if (a !== false && b !== false) ${setNumber(A, slow)}
                    else ltm.luaT_trybinTM(L, l, r, ${A}, ltm.TMS.TM_${name});
                }
                break;
            }`

export const ARITHMETIC = `
            ${arithmetic('ADD', 'a + b')}
            ${arithmetic('SUB', 'a - b')}
            ${arithmetic('MUL', 'a * b')}
            ${arithmetic('DIV', 'a / b')}
            ${arithmetic('MOD', 'a - Math.floor(a / b) * b')}
            ${arithmetic('POW', 'host.power(a, b)')}
            ${arithmetic('IDIV', 'Math.floor(a / b)', 'a / b')}
            ${arithmetic('BAND', 'host.bitwise.and(a, b)')}
            ${arithmetic('BOR', 'host.bitwise.or(a, b)')}
            ${arithmetic('BXOR', 'host.bitwise.xor(a, b)')}
            ${arithmetic('SHL', 'host.bitwise.shl(a, b)')}
            ${arithmetic('SHR', 'host.bitwise.shr(a, b)')}
            case OP_UNM: {
                const operand = ${B}, a = tonumber(operand);
                if (a !== false) ${setNumber(A, '-a')}
                else { ${SAVE} ltm.luaT_trybinTM(L, operand, operand, ${A}, ltm.TMS.TM_UNM); }
                break;
            }
            case OP_BNOT: {
                const operand = ${B}, a = tonumber(operand);
                if (a !== false) ${setNumber(A, 'host.bitwise.xor(a, -1)')}
                else { ${SAVE} ltm.luaT_trybinTM(L, operand, operand, ${A}, ltm.TMS.TM_BNOT); }
                break;
            }
            case OP_NOT: {
                const operand = ${B};
                ${A}.setbvalue(${isFalse('operand')});
                break;
            }
            case OP_LEN: {
                ${SAVE}
                luaV_objlen(L, ${A}, ${B});
                break;
            }
            case OP_CONCAT: {
                ${SAVE}
                const joined = join(stack, base + i.B, base + i.C);
                if (joined !== null) ${A}.setsvalue(joined);
                else {
                    L.top = base + i.C + 1;
                    luaV_concat(L, i.C - i.B + 1);
                    lobject.setobjs2s(L, base + i.A, base + i.B);
                    L.top = ci.top;
                }
                break;
            }`

/** The string of some adjacent slots when all are strings and numbers, else null. */
export const JOIN = `
const join = function(stack, first, last) {
    let joined = "";
    for (let j = first; j <= last; j++) {
        const slot = stack[j];
        if (slot.type === ${STRING}) {
            const ts = slot.value;
            joined += luaS_piece(ts);
        } else if (slot.type === ${NUMBER}) {
            tick.n -= 8;
            joined += host.numberToText(slot.value);
        } else return null;
        if (joined.length > tick.maxString) return null;
    }
    if ((tick.n -= joined.length >> 10) < 0 || tick.bytes < 0) host.over();
    return luaS_joined(joined);
};`
