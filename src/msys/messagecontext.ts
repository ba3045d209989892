// Context variables by way of `msg`.
// Momentum manual pages "lua.ref.msg_context_get" … "lua.ref.msg_context_delete".
import { assertNoSnapshot } from './content.ts'
import { declare } from './declaration.ts'
import { dictionary, exists, existsAndGet, readKey, readValue } from './dictionary.ts'
import type { MessageHandle } from './handle.ts'
import { any, string } from './parameter.ts'

const method = declare<MessageHandle>()

export const CONTEXT_METHODS = [
  method(
    'msg:context_get',
    [dictionary, any('key')],
    { result: 'string', tier: 1, doc: 'a context variable, "" when it is unset' },
    (msg, [which, key]) => {
      const name = readKey('msg:context_get', key)
      return name === undefined ? '' : (msg.current.context[which].get(name) ?? '')
    },
  ),
  method(
    'msg:context_set',
    [dictionary, any('key'), any('value')],
    { result: '1 | 0', tier: 1, doc: 'sets a context variable; 0 without key or value' },
    (msg, [which, key, value]) => {
      const name = readKey('msg:context_set', key)
      const text = readValue('msg:context_set', value)
      if (name === undefined || text === undefined) return 0
      assertNoSnapshot(msg, 'msg:context_set')
      msg.current.context[which].set(name, text)
      return 1
    },
  ),
  method(
    'msg:context_exists',
    [dictionary, any('key')],
    { result: '1 | 0', tier: 1, doc: 'whether a context variable is set' },
    (msg, [which, key]) => exists(msg.current.context, which, readKey('msg:context_exists', key)),
  ),
  method(
    'msg:context_exists_and_get',
    [dictionary, any('key')],
    { result: '1, string | 0, nil', tier: 1, doc: 'tells an empty context variable from none' },
    (msg, [which, key]) =>
      existsAndGet(msg.current.context, which, readKey('msg:context_exists_and_get', key)),
  ),
  method(
    'msg:context_delete',
    [dictionary, string('key')],
    { result: '1 | 0', tier: 1, doc: 'deletes a context variable' },
    (msg, [which, key]) => {
      assertNoSnapshot(msg, 'msg:context_delete')
      return msg.current.context[which].delete(key) ? 1 : 0
    },
  ),
  method(
    'msg:context_firstkey',
    [dictionary],
    { result: 'string | nil', tier: 2, doc: 'the first key of a dictionary' },
    (msg, [which]) => msg.current.context[which].keys().next().value,
  ),
  method(
    'msg:context_nextkey',
    [dictionary, string('key')],
    { result: 'string | nil', tier: 2, doc: 'the key after this one' },
    (msg, [which, key]) => {
      const keys = [...msg.current.context[which].keys()]
      const at = keys.indexOf(key)
      return at < 0 ? undefined : keys[at + 1]
    },
  ),
]
