// Instructions that read and write variables and tables. What a table holds itself is found in place;
// metatables, absent keys and whatever cannot be indexed are left to the functions.

import {
  A,
  B,
  KB,
  KC,
  NIL,
  NUMBER,
  SAVE,
  STRING,
  TABLE,
  USERDATA,
  copy,
  setNil,
  text,
} from './operands.ts'

/** Whether a number is a place in the array part of a table. */
const inArray = (number: string, array: string): string =>
  `(${number} | 0) === ${number} && ${number} > 0 && ${number} <= ${array}.length`

// Reads `object[key]`, two plain names, into register A.
const READ = `
                if (object.type === ${TABLE}) {
                    const table = object.value;
                    let slot;
                    if (key.type === ${STRING}) {
                        if (i.table === table && i.entry.value !== void 0) slot = i.entry.value;
                        else {
                            const ts = key.value, entry = table.strong.get(${text('ts')});
                            if (entry === void 0) slot = lobject.luaO_nilobject;
                            else {
                                slot = entry.value;
                                if (i.C & 256) {
                                    i.table = table;
                                    i.entry = entry;
                                }
                            }
                        }
                    } else if (key.type === ${NUMBER}) {
                        const n = key.value, array = table.array;
                        slot = ${inArray('n', 'array')} ? array[n - 1] : ltable.luaH_getint(table, n);
                    } else slot = ltable.luaH_get(L, table, key);
                    if (slot.type !== ${NIL} || table.metatable === null) {
                        ${copy(A, 'slot')}
                        break;
                    }
                }
                ${SAVE}
                luaV_gettable(L, object, key, base + i.A);`

// Writes `value` to `object[key]`, all plain names.
const WRITE = `
                if (object.type === ${TABLE}) {
                    const table = object.value;
                    if (key.type === ${STRING}) {
                        let entry = i.entry;
                        if (i.table !== table || entry.value === void 0) {
                            const ts = key.value;
                            entry = table.strong.get(${text('ts')});
                            if (entry !== void 0 && (i.B & 256)) {
                                i.table = table;
                                i.entry = entry;
                            }
                        }
                        if (entry !== void 0 && value.type !== ${NIL}) {
                            ${copy('entry.value', 'value')}
                            table.flags = 0;
                            break;
                        }
                    } else if (key.type === ${NUMBER} && table.metatable === null) {
                        const n = key.value, array = table.array;
                        if (${inArray('n', 'array')}) {
                            ${copy('array[n - 1]', 'value')}
                            break;
                        }
                        if (n === array.length + 1) {
                            ${SAVE}
                            ltable.luaH_setint(table, n, value);
                            break;
                        }
                    }
                }
                ${SAVE}
                settable(L, object, key, value);`

export const FIELDS = `
            case OP_MOVE: {
                ${copy(A, B)}
                break;
            }
            case OP_LOADK: {
                ${copy(A, 'k[i.Bx]')}
                break;
            }
            case OP_LOADKX: {
                ${copy(A, 'k[code[pc++].Ax]')}
                break;
            }
            case OP_LOADBOOL: {
                ${A}.setbvalue(i.B !== 0);
                if (i.C !== 0) pc++;
                break;
            }
            case OP_LOADNIL: {
                for (let j = base + i.A, last = j + i.B; j <= last; j++) ${setNil('stack[j]')}
                break;
            }
            case OP_GETUPVAL: {
                ${copy(A, 'upvals[i.B]')}
                break;
            }
            case OP_SETUPVAL: {
                ${copy('upvals[i.B]', A)}
                break;
            }
            case OP_GETTABUP: {
                const object = upvals[i.B], key = ${KC};
                ${READ}
                break;
            }
            case OP_GETTABLE: {
                const object = ${B}, key = ${KC};
                ${READ}
                break;
            }
            case OP_SELF: {
                const object = ${B}, key = ${KC}, ts = key.value;
                ${copy('stack[base + i.A + 1]', 'object')}
                let methods = null;
                if (object.type === ${USERDATA}) methods = object.value.methods;
                else if (object.type === ${STRING}) methods = indexOf(L, L.l_G.mt[${STRING & 15}]);
                else if (object.type === ${TABLE}) {
                    methods = object.value;
                    if (methods.metatable !== null && methods.strong.get(${text('ts')}) === void 0)
                        methods = indexOf(L, methods.metatable);
                }
                let method = i.entry;
                if (methods === null) method = void 0;
                else if (i.table !== methods || method.value === void 0) {
                    method = methods.strong.get(${text('ts')});
                    if (method !== void 0 && methods !== object.value) {
                        i.table = methods;
                        i.entry = method;
                    }
                }
                if (method !== void 0) ${copy(A, 'method.value')}
                else { ${SAVE} luaV_gettable(L, object, key, base + i.A); }
                break;
            }
            case OP_SETTABUP: {
                const object = upvals[i.A], key = ${KB}, value = ${KC};
                ${WRITE}
                break;
            }
            case OP_SETTABLE: {
                const object = ${A}, key = ${KB}, value = ${KC};
                ${WRITE}
                break;
            }
            case OP_NEWTABLE: {
                ${SAVE}
                ${A}.sethvalue(ltable.luaH_new(L));
                break;
            }
            case OP_SETLIST: {
                ${SAVE}
                const first = base + i.A, n = i.B !== 0 ? i.B : L.top - first - 1;
                const batch = i.C !== 0 ? i.C : code[pc++].Ax;
                ltable.luaH_setlist(stack[first].value, (batch - 1) * LFIELDS_PER_FLUSH + 1, stack, first, n);
                L.top = ci.top;
                break;
            }`

/** The table that a metatable names as __index, or null. */
export const INDEX_OF = `
const indexOf = function(L, metatable) {
    if (!metatable) return null;
    const index = ltm.fasttm(L, metatable, ltm.TMS.TM_INDEX);
    return index !== null && index.type === ${TABLE} ? index.value : null;
};`
