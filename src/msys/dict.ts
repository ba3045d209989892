// ECDict: a dictionary of strings of Momentum's C API, as functions of `msys.core` walk and change it.
// Momentum manual page "lua.ref.session_request_url_get".
import { multiple } from '../lua/value.ts'
import { declare } from './declaration.ts'
import type { ApiObject } from './handle.ts'
import { object, string } from './parameter.ts'
import type { ClassShape } from './shape.ts'

export interface Dict extends ApiObject {
  readonly kind: 'dict'
  readonly entries: Map<string, string>
}

interface DictIterator extends ApiObject {
  readonly kind: 'dict_iterator'
  readonly entries: Iterator<[string, string], unknown>
}

const fn = declare<undefined>()
const dict = object<Dict>('dict', 'dict')
const iterator = object<DictIterator>('iterator', 'dict_iterator')

export const DICT_FUNCTIONS = [
  fn(
    'msys.core.dict_iter2',
    [dict],
    { result: 'iterator', tier: 2, doc: 'begins to walk a dictionary' },
    (_, [{ entries }], { wrap }) =>
      wrap<DictIterator>({ kind: 'dict_iterator', entries: entries.entries() }),
  ),
  fn(
    'msys.core.dict_next',
    [dict, iterator],
    { result: '1, string, string | 0', tier: 2, doc: 'the next entry; 0 at the end' },
    (_, [, { entries }]) => {
      const next = entries.next()
      return next.done ? 0 : multiple(1, ...next.value)
    },
  ),
  fn(
    'msys.core.dict_iter2_free',
    [dict, iterator],
    { result: 'nil', tier: 2, doc: 'ends the walk' },
    (_, [, walk]) => {
      walk.gone = 'it was freed'
    },
  ),
  fn(
    'msys.core.dict_add_key_value',
    [dict, string('key'), string('value')],
    { result: 'nil', tier: 2, doc: 'sets an entry' },
    (_, [{ entries }, key, value]) => void entries.set(key, value),
  ),
  fn(
    'msys.core.dict_key_delete',
    [dict, string('key')],
    { result: 'nil', tier: 2, doc: 'removes an entry' },
    (_, [{ entries }, key]) => void entries.delete(key),
  ),
]

export const DICT: ClassShape<Dict> = {
  kind: 'dict',
  className: 'msys.core:_dict',
  prefix: 'dict',
  methods: [],
  fields: [],
}

export const DICT_ITERATOR: ClassShape<DictIterator> = {
  kind: 'dict_iterator',
  className: 'msys.core:_dict_iter',
  prefix: 'dict_iterator',
  methods: [],
  fields: [],
}
