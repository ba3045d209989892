// Leaves out what the host provides itself or forbids (files, processes, binary loading of modules),
// and with it Fengari's needs for tmp, readline-sync and sprintf-js; opens its internals to the host.

import type { Patch } from '../patch.ts'

/** Files of Fengari that are not carried over. */
export const DROPPED_FILES: readonly string[] = [
  'fengarilib.js',
  'lcorolib.js',
  'linit.js',
  'liolib.js',
  'loadlib.js',
  'loslib.js',
  'lstrlib.js',
  'lutf8lib.js',
]

const file = 'lualib.js'
const why = 'this library is left out'
const dropped = ['lcorolib', 'liolib', 'loslib', 'lstrlib', 'lutf8lib', 'loadlib', 'fengarilib']

export const TRIM: readonly Patch[] = [
  ...dropped.map((library) => ({
    name: `without ${library}`,
    file,
    why,
    find: new RegExp(`^ *module.exports.\\w+ = require\\("./${library}.js"\\).\\w+;$`, 'gm'),
    replace: '',
  })),
  { name: 'without linit', file, why, find: "const linit = require('./linit.js');", replace: '' },
  {
    name: 'without openlibs',
    file,
    why,
    find: 'module.exports.luaL_openlibs = linit.luaL_openlibs;',
    replace: '',
  },
  {
    name: 'without readline-sync',
    file: 'ldblib.js',
    why: 'there is no debug prompt',
    find: 'if (typeof process !== "undefined") { // Only with Node',
    replace: 'if (false) {',
  },
  {
    name: 'without readline-sync itself',
    file: 'ldblib.js',
    why: 'the package need not be there',
    find: "require('readline-sync')",
    replace: 'null',
  },
  {
    name: 'without file loading',
    file: 'lauxlib.js',
    why: 'the host reads files, below its roots',
    find: "} else {\n    const fs = require('fs');",
    replace: '} else if (false) {\n    const fs = null;',
  },
  {
    name: 'without environment settings',
    file: 'luaconf.js',
    why: 'the engine does not depend on the environment',
    find: '(process.env.FENGARICONF ? JSON.parse(process.env.FENGARICONF) : {})',
    replace: '{}',
  },
  {
    name: 'without platform lookup',
    file: 'luaconf.js',
    why: 'its module paths are not used',
    find: "require('os').platform() === 'win32'",
    replace: 'false',
  },
  {
    name: 'open the internals',
    file: 'fengari.js',
    why: 'values cross to TypeScript without the stack API',
    find: 'module.exports.lualib  = lualib;',
    replace: `module.exports.lualib  = lualib;
module.exports.host    = require('./host.js');
module.exports.lapi    = require('./lapi.js');
module.exports.ldebug  = require('./ldebug.js');
module.exports.ldo     = require('./ldo.js');
module.exports.lobject = require('./lobject.js');
module.exports.lstate  = require('./lstate.js');
module.exports.lstring = require('./lstring.js');
module.exports.ltable  = require('./ltable.js');
module.exports.ltm     = require('./ltm.js');
module.exports.lvm     = require('./lvm.js');`,
  },
]
