// Tables: t[1..n] in a JavaScript array (so that `#` is cheap and 5.1-like and `pairs` ascends), the
// rest in the Map. Invariant: the key after the last array slot is never in the Map.

import { supersede, type Patch } from '../patch.ts'

const file = 'ltable.js'
const why = 'the array part'

export const TABLES: readonly Patch[] = [
  {
    name: 'array part',
    file,
    why: 'arrays are most tables',
    find: '        this.strong = new Map();',
    replace: `        tick.bytes -= 350;
        tick.n -= 4;
        this.array = [];
        this.strong = NO_ENTRIES;`,
  },
  {
    name: 'tick in ltable',
    file,
    why: 'tables are charged',
    find: "const lstate  = require('./lstate.js');",
    replace: `const lstate  = require('./lstate.js');
const host = require('./host.js');
const tick = host.tick;`,
  },
  {
    name: 'charge entries',
    file,
    why: 'tables that only grow must end',
    find: 'const add = function(t, hash, key, value) {\n    t.dead_strong.clear();',
    replace: `const append = function(t, value) {
    if ((tick.bytes -= 64) < 0) host.over();
    const length = t.array.length;
    if (length >= 1024 && (length & (length - 1)) === 0 && evacuate(t)) {
        add(t, length + 1, new lobject.TValue(LUA_TNUMFLT, length + 1), new lobject.TValue(value.type, value.value));
        return;
    }
    t.array.push(new lobject.TValue(value.type, value.value));
    if (t.strong.size > 0) migrate(t);
};

/* a queue leaves empty slots behind: what lies beyond the first of them moves to the hash part */
const evacuate = function(t) {
    const array = t.array;
    let live = 0;
    for (const slot of array) if (slot.type !== LUA_TNIL) live++;
    if (live > array.length >> 2) return false;
    const first = array.findIndex(slot => slot.type === LUA_TNIL);
    for (const [i, slot] of array.splice(first, array.length).entries()) {
        if (slot.type !== LUA_TNIL)
            add(t, first + i + 1, new lobject.TValue(LUA_TNUMFLT, first + i + 1), slot);
    }
    return true;
};

/* moves what follows the array part into it */
const migrate = function(t) {
    for (;;) {
        const next = t.array.length + 1;
        const entry = t.strong.get(next);
        if (entry === void 0) return;
        t.array.push(entry.value);
        mark_dead(t, next);
    }
};

const add = function(t, hash, key, value) {
    tick.n -= 4;
    if ((tick.bytes -= 180) < 0) host.over();
    if (t.strong === NO_ENTRIES) t.strong = new Map();
    if (t.dead_strong.size > 0) t.dead_strong.clear();`,
  },
  supersede(
    file,
    'const',
    'luaH_getint',
    why,
    `
const luaH_getint = function(t, key) {
    if (key >= 1 && key <= t.array.length) {
        const value = t.array[key - 1];
        if (value !== void 0) return value;
    }
    return getgeneric(t, key);
};
`,
  ),
  supersede(
    file,
    'const',
    'luaH_get',
    `${why}, and no detour for strings and numbers`,
    `
const luaH_get = function(L, t, key) {
    switch (key.type) {
        case LUA_TLNGSTR: {
            const ts = key.value;
            const v = t.strong.get(ts.hash === null ? luaS_hashlongstr(ts) : ts.hash);
            return v === void 0 ? lobject.luaO_nilobject : v.value;
        }
        case LUA_TNUMFLT:
            return luaH_getint(t, key.value);
        case LUA_TNIL:
            return lobject.luaO_nilobject;
        default:
            return getgeneric(t, table_hash(L, key));
    }
};
`,
  ),
  supersede(
    file,
    'const',
    'luaH_setint',
    why,
    `
const luaH_setint = function(t, key, value) {
    const array = t.array;
    if (key >= 1 && key <= array.length) {
        const slot = array[key - 1];
        if (slot !== void 0) {
            slot.setfrom(value);
            return;
        }
    } else if (key === array.length + 1) {
        if (value.type !== LUA_TNIL) append(t, value);
        return;
    }
    setgeneric(t, key, LUA_TNUMFLT, key, value);
};

const setgeneric = function(t, hash, type, key, value) {
    if (value.type === LUA_TNIL) {
        mark_dead(t, hash);
        return;
    }
    const e = t.strong.get(hash);
    if (e !== void 0) e.value.setfrom(value);
    else add(t, hash, new lobject.TValue(type, key), new lobject.TValue(value.type, value.value));
};

/* items of a constructor, from stack[from + 1]; keeps its nil slots, as 5.1 does */
const luaH_setlist = function(t, first, stack, from, n) {
    if (t.array.length === first - 1) {
        if (t.strong.size > 0) for (let j = 0; j < n; j++) mark_dead(t, first + j);
        for (let j = 1; j <= n; j++)
            t.array.push(new lobject.TValue(stack[from + j].type, stack[from + j].value));
        if ((tick.bytes -= 64 * n) < 0) host.over();
        if (t.strong.size > 0) migrate(t);
    } else {
        for (let j = 1; j <= n; j++) luaH_setint(t, first + j - 1, stack[from + j]);
    }
};
module.exports.luaH_setlist = luaH_setlist;
`,
  ),
  supersede(
    file,
    'const',
    'luaH_setfrom',
    why,
    `
const luaH_setfrom = function(L, t, key, value) {
    if (key.type === LUA_TNUMFLT && key.value === key.value)
        luaH_setint(t, key.value, value);
    else
        setgeneric(t, table_hash(L, key), key.type, key.value, value);
};
`,
  ),
  supersede(
    file,
    'const',
    'luaH_getn',
    'the border that 5.1 finds',
    `
const luaH_getn = function(t) {
    const array = t.array;
    let j = array.length;
    if (j === 0 || array[j - 1].type !== LUA_TNIL) return j;
    let i = 0;
    while (j - i > 1) {
        const m = (i + j) >> 1;
        if (array[m - 1].type === LUA_TNIL) j = m;
        else i = m;
    }
    return i;
};
`,
  ),
  supersede(
    file,
    'const',
    'luaH_next',
    'the array part comes first, ascending',
    `
const luaH_next = function(L, table, keyI) {
    const key = L.stack[keyI];
    const array = table.array;
    let index = key.type === LUA_TNIL ? 0 : -1;
    if (key.type === LUA_TNUMFLT && key.value >= 1 && key.value <= array.length &&
        key.value === Math.floor(key.value))
        index = key.value;
    if (index < 0) return nextgeneric(L, table, keyI, false);
    for (; index < array.length; index++) {
        const value = array[index];
        if (value.type !== LUA_TNIL) {
            key.type = LUA_TNUMFLT;
            key.value = index + 1;
            lobject.setobj2s(L, keyI + 1, value);
            return true;
        }
        tick.n--;
    }
    return nextgeneric(L, table, keyI, true);
};

const nextgeneric = function(L, table, keyI, first) {`,
  ),
  {
    name: 'continue behind the array',
    file,
    why,
    find: 'const stock_luaH_next = function(L, table, keyI) {',
    replace: '',
  },
  {
    name: 'first behind the array',
    file,
    why,
    find: '    if (keyO.type === LUA_TNIL) {\n        entry = table.f;',
    replace: '    if (first) {\n        entry = table.f;',
  },
]
