// Instructions that call, return and make closures. A Lua function called by a Lua function is entered
// in the same run of the interpreter; its frame and its stack slots are used again from earlier calls.

import {
  LUA_CLOSURE,
  NATIVE,
  NIL,
  NUMBER,
  SAVE,
  TABLE,
  TICK,
  copy,
  setNil,
  setNumber,
} from './operands.ts'

// Calls the function at `off`, whose arguments end at the top, for `wanted` results (-1: all).
const enter = (wanted: string): string => `
                ${SAVE}
                const callee = stack[off];
                if (callee.type === ${LUA_CLOSURE} && !callee.value.p.is_vararg) {
                    ${TICK}
                    const proto = callee.value.p, end = off + 1 + proto.maxstacksize;
                    if (end > L.ready) ldo.luaD_prepare(L, end);
                    for (let j = L.top, first = off + 1 + proto.numparams; j < first; j++) ${setNil('stack[j]')}
                    let next = ci.next;
                    if (next === null) next = lstate.luaE_extendCI(L);
                    next.funcOff = off;
                    next.func = callee;
                    next.nresults = ${wanted};
                    next.l_base = off + 1;
                    next.top = L.top = end;
                    next.l_code = proto.code;
                    next.l_savedpc = 0;
                    next.callstatus = lstate.CIST_LUA;
                    L.ci = ci = next;
                    continue frame;
                }
                if (!ldo.luaD_precall(L, off, ${wanted})) {
                    ci = L.ci;
                    continue frame;
                }`

// pairs and ipairs of tables do without a call.
const ITERATE_TABLE = `
                if (iterator.value === host.next || iterator.value === host.following) {
                    ${SAVE}
                    ${TICK}
                    const object = stack[from + 1], control = stack[from + 2], key = stack[from + 3];
                    let isTable = object.type === ${TABLE};
                    if (!isTable) ;
                    else if (iterator.value === host.next) {
                        ${copy('key', 'control')}
                        if (!ltable.luaH_next(L, object.value, from + 3)) ${setNil('key')}
                    } else if (control.type === ${NUMBER}) {
                        const n = control.value + 1, slot = ltable.luaH_getint(object.value, n);
                        ${copy('stack[from + 4]', 'slot')}
                        if (slot.type === ${NIL}) ${setNil('key')}
                        else ${setNumber('key', 'n')}
                    } else isTable = false;
                    if (isTable) {
                        for (let j = from + 5, end = from + 3 + i.C; j < end; j++) ${setNil('stack[j]')}
                        break;
                    }
                }`

export const CALLS = `
            case OP_CALL: {
                const off = base + i.A;
                if (i.B !== 0) L.top = off + i.B;
                ${enter('i.C - 1')}
                if (i.C !== 0) L.top = ci.top;
                break;
            }
            case OP_TFORCALL: {
                const from = base + i.A, iterator = stack[from];
                ${ITERATE_TABLE}
                if (iterator.type !== ${NATIVE} && iterator.type !== ${LUA_CLOSURE}) {
                    ${SAVE}
                    iterate(L, ci, from);
                }
                const off = from + 3;
                for (let j = off; j < off + 3; j++) ${copy('stack[j]', 'stack[j - 3]')}
                L.top = off + 3;
                ${enter('i.C')}
                L.top = ci.top;
                break;
            }
            case OP_TAILCALL: {
                const off = base + i.A;
                if (i.B !== 0) L.top = off + i.B;
                ${SAVE}
                if (ldo.luaD_precall(L, off, LUA_MULTRET)) break;
                /* the called frame takes the place of this one */
                const next = L.ci, shift = off - ci.funcOff, { numparams, has_arg } = next.func.value.p;
                const end = next.l_base + numparams + (has_arg ? 1 : 0);
                if (p.captured !== null) close(stack, p.captured, base, base);
                for (let j = off; j < end; j++) ${copy('stack[j - shift]', 'stack[j]')}
                ci.l_base = next.l_base - shift;
                ci.top = L.top = next.top - shift;
                ci.l_code = next.l_code;
                ci.l_savedpc = 0;
                ci.callstatus |= lstate.CIST_TAIL;
                L.ci = ci;
                continue frame;
            }
            case OP_RETURN: {
                const from = base + i.A, count = i.B !== 0 ? i.B - 1 : L.top - from;
                const wanted = ci.nresults, to = ci.funcOff;
                if (p.captured !== null) close(stack, p.captured, base, base);
                if (wanted === 1) {
                    if (count > 0) ${copy('stack[to]', 'stack[from]')}
                    else ${setNil('stack[to]')}
                } else {
                    const kept = wanted >= 0 && wanted < count ? wanted : count;
                    for (let j = 0; j < kept; j++) ${copy('stack[to + j]', 'stack[from + j]')}
                    for (let j = kept; j < wanted; j++) ${setNil('stack[to + j]')}
                }
                const fresh = ci.callstatus & lstate.CIST_FRESH;
                L.ci = ci = ci.previous;
                L.top = wanted < 0 ? to + count : fresh ? to + wanted : ci.top;
                if (fresh) return;
                continue frame;
            }
            case OP_VARARG: {
                const to = base + i.A, given = Math.max(0, base - ci.funcOff - p.numparams - 1);
                let wanted = i.B - 1;
                if (wanted < 0) {
                    wanted = given;
                    ${SAVE}
                    if (to + given > L.ready) ldo.luaD_prepare(L, to + given);
                    L.top = to + given;
                }
                for (let j = 0; j < wanted; j++) {
                    if (j < given) ${copy('stack[to + j]', 'stack[base - given + j]')}
                    else ${setNil('stack[to + j]')}
                }
                break;
            }
            case OP_CLOSURE: {
                ${SAVE}
                if (p.captured === null) p.captured = capturedBy(p);
                pushclosure(L, p.p[i.Bx], upvals, base, base + i.A);
                break;
            }`

/**
 * A closure shares the slots of the registers that it captured. When their scope ends the stack gets new
 * ones. Which registers those can be is known once the first closure of a function is made.
 */
export const CLOSE = `
const close = function(stack, captured, base, level) {
    for (let j = 0; j < captured.length; j++) {
        const at = base + captured[j];
        if (at < level) continue;
        const old = stack[at];
        stack[at] = new lobject.TValue(old.type, old.value);
    }
};

const capturedBy = function(p) {
    const registers = new Set();
    for (const child of p.p) for (const up of child.upvalues) if (up.instack) registers.add(up.idx);
    return [...registers];
};`

/**
 * Asks an object in the place of an iterator for __iter: iterator, state and control. When that suspends,
 * luaV_finishOp goes on here.
 */
export const ITERATE = `
const iterate = function(L, ci, ra) {
    const iter = ltm.luaT_gettmbyname(L, L.stack[ra], "__iter");
    if (!iter.ttisfunction()) return;
    lobject.setobj2s(L, ra + 3, iter);
    lobject.setobjs2s(L, ra + 4, ra);
    L.top = ra + 5;
    ci.callstatus |= CIST_ITER;
    ldo.luaD_call(L, ra + 3, 3);
    iterated(L, ci, ra);
};

const CIST_ITER = 1 << 10;

const iterated = function(L, ci, ra) {
    ci.callstatus &= ~CIST_ITER;
    for (let j = 0; j < 3; j++) lobject.setobjs2s(L, ra + j, ra + 3 + j);
    L.top = ci.top;
};`
