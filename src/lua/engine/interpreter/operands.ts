// The words in which the interpreter's instructions are written: type tags as literals, the operands
// of an instruction `i` in a frame at `base` with constants `k`, and what many instructions share.
// All of it is JavaScript text: the interpreter is one function too large for V8 to inline calls into,
// so what is small and frequent is written out in place.

/** Type tags of the engine. */
export const NIL = 0
export const BOOLEAN = 1
export const NUMBER = 3
export const STRING = 20
export const TABLE = 5
export const LUA_CLOSURE = 6
export const USERDATA = 7
export const NATIVE = 22

/** Register A, register B, and registers or constants B and C. */
export const A = 'stack[base + i.A]'
export const B = 'stack[base + i.B]'
export const KB = '(i.B & 256 ? k[i.B & 255] : stack[base + i.B])'
export const KC = '(i.C & 256 ? k[i.C & 255] : stack[base + i.C])'

/** Before anything that may raise, call, suspend or be killed: errors name the line by it. */
export const SAVE = 'ci.l_savedpc = pc;'

/** One step of the budget, in a place where the program counter is saved. */
export const TICK = 'if (--tick.n < 0) host.over();'

/** Copies what a slot holds. */
export const copy = (to: string, from: string): string =>
  `{ const $from = ${from}, $to = ${to}; $to.type = $from.type; $to.value = $from.value; }`

export const setNil = (slot: string): string =>
  `{ const $to = ${slot}; $to.type = ${NIL}; $to.value = null; }`

export const setNumber = (slot: string, number: string): string =>
  `{ const $to = ${slot}; $to.value = ${number}; $to.type = ${NUMBER}; }`

/** Whether a slot held by a plain name is nil or false. */
export const isFalse = (slot: string): string =>
  `(${slot}.type === ${NIL} || (${slot}.type === ${BOOLEAN} && ${slot}.value === false))`

/** The JavaScript string of a Lua string in a plain name. */
export const text = (string: string): string =>
  `(${string}.hash === null ? luaS_hashlongstr(${string}) : ${string}.hash)`

/** Takes the jump that follows a test. */
export const JUMP = `{
                    const jump = code[pc++];
                    if (jump.A !== 0 && p.captured !== null) close(stack, p.captured, base, base + jump.A - 1);
                    if (jump.sBx < 0 && --tick.n < 0) { ${SAVE} host.over(); }
                    pc += jump.sBx;
                }`
