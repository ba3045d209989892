// The file added to the engine: what the host lends it. `tick` is the budget of the running call
// (steps, bytes, longest string); `over` is called when it is used up and either refills it or
// throws a Kill, the one exception that no pcall and no coroutine catches.

export const HOST_FILE = 'host.js'

export const HOST_SOURCE = `"use strict";

class Kill extends Error {
    constructor(reason) {
        super("killed: " + reason);
        this.reason = reason;
    }
}

module.exports = {
    Kill,
    tick: { n: 0, bytes: 0, maxString: 2 ** 26 },
    over() {},
    /* where the last syntax error was: a byte of the source */
    syntaxAt: 0,
    numberToText: String,
    textToNumber: Number,
    power: Math.pow,
    bitwise: null,
    next: null,
    following: null,
    /* set by the interpreter */
    countInstructions: null,
};
`
