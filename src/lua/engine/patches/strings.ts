// Strings: bytes and a latin-1 JavaScript string of the same octets, each made when first needed.
// The latter is the key in tables and the order of comparison; it replaces a hash that collided.

import { supersede, type Patch } from '../patch.ts'

export const STRINGS: readonly Patch[] = [
  supersede(
    'lstring.js',
    'class',
    'TString',
    'distinct strings had equal hashes, and hashes did not order like bytes',
    `
const host = require('./host.js');
const tick = host.tick;
const latin1Slice = Buffer.prototype.latin1Slice;
const latin1Write = Buffer.prototype.latin1Write;

const textOf = function(bytes) {
    const length = bytes.length;
    if (length > 12) return latin1Slice.call(bytes, 0, length);
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[i]);
    return text;
};

const bytesOf = function(text) {
    const length = text.length;
    tick.bytes -= length;
    if ((tick.n -= length >> 5) < 0 || tick.bytes < 0) host.over();
    const bytes = new Uint8Array(length);
    if (length > 48) latin1Write.call(bytes, text, 0, length);
    else for (let i = 0; i < length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
};

class TString {

    constructor(L, str, text) {
        this.hash = text;
        this.realstring = str;
        this.rope = null;
    }

    getstr() {
        if (this.realstring === null) this.realstring = bytesOf(luaS_hashlongstr(this));
        return this.realstring;
    }

    tsslen() {
        if (this.realstring !== null) return this.realstring.length;
        return (this.hash === null ? this.rope : this.hash).length;
    }

}

/* a string of the octets of a latin-1 JavaScript string */
const luaS_text = function(text) {
    tick.bytes -= 48 + text.length;
    return new TString(null, null, text);
};
module.exports.luaS_text = luaS_text;

/* the same of a text that was joined and that nobody has read yet: a long one takes no memory of its own */
const luaS_joined = function(text) {
    if (text.length < 1024) return luaS_text(text);
    tick.bytes -= 48;
    const ts = new TString(null, null, null);
    ts.rope = text;
    return ts;
};
module.exports.luaS_joined = luaS_joined;

/* the text for joining it, which does not read it */
const luaS_piece = function(ts) {
    if (ts.hash !== null) return ts.hash;
    return ts.rope === null ? luaS_hashlongstr(ts) : ts.rope;
};
module.exports.luaS_piece = luaS_piece;

/* reading a joined text makes V8 write it out */
const writtenOut = function(ts) {
    const text = ts.rope;
    ts.rope = null;
    tick.bytes -= text.length;
    if ((tick.n -= text.length >> 5) < 0 || tick.bytes < 0) host.over();
    return text;
};
`,
  ),
  supersede(
    'lstring.js',
    'const',
    'luaS_hash',
    'the octets themselves are the hash',
    'const luaS_hash = textOf;',
  ),
  {
    name: 'hash when needed',
    file: 'lstring.js',
    why: 'the bytes are there whenever the text is not',
    find: 'ts.hash = luaS_hash(ts.getstr());',
    replace: 'ts.hash = ts.rope === null ? textOf(ts.realstring) : writtenOut(ts);',
  },
  {
    name: 'charge strings',
    file: 'lstring.js',
    why: 'strings live outside the heap that Node limits',
    find: '    return new TString(L, str);',
    replace: `    const length = str.length;
    tick.bytes -= length + 48;
    if ((tick.n -= length >> 5) < 0 || tick.bytes < 0) host.over();
    return new TString(L, str, null);`,
  },
  {
    name: 'string equality',
    file: 'lstring.js',
    why: 'compares what is there already',
    find: '    return a == b || luastring_eq(a.realstring, b.realstring);',
    replace: `    if (a === b) return true;
    if (a.tsslen() !== b.tsslen()) return false;
    tick.n -= a.tsslen() >> 6;
    if (a.hash !== null && b.hash !== null) return a.hash === b.hash;
    return luaS_hashlongstr(a) === luaS_hashlongstr(b);`,
  },
  {
    name: 'copy bytes',
    file: 'defs.js',
    why: 'Uint8Array.from iterates',
    find: '    luastring_from = Uint8Array.from.bind(Uint8Array);',
    replace: '    luastring_from = function(a) { return new Uint8Array(a); };',
  },
  {
    name: 'concatenate texts',
    file: 'lvm.js',
    why: 'JavaScript joins strings without copying them; building a body line by line stays linear',
    find: `            let buff = new Uint8Array(tl);
            copy2buff(L, top, n, buff);
            let ts = luaS_bless(L, buff);`,
    replace: `            if (tl > tick.maxString) ldebug.luaG_runerror(L, to_luastring("resulting string too large"));
            if ((tick.n -= tl >> 10) < 0 || tick.bytes < 0) host.over();
            let text = luaS_piece(L.stack[top - n].value);
            for (let i = n - 1; i > 0; i--) text += luaS_piece(L.stack[top - i].value);
            let ts = luaS_joined(text);`,
  },
  {
    name: 'text in lvm',
    file: 'lvm.js',
    why: 'for the concatenation',
    find: '    luaS_bless,\n    luaS_eqlngstr,',
    replace: '    luaS_joined,\n    luaS_piece,\n    luaS_eqlngstr,',
  },
]
