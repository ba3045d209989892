// The egress of a copy: `msg:binding`, `msg:binding_group`, and what there is to choose from (Momentum manual
// pages "lua.ref.msg_binding", "lua.ref.msg_binding_group"). Only validate_set_binding may choose.
import { DEFAULT_EGRESS, type Egress } from '../mail/envelope.ts'
import { assertWritable } from './content.ts'
import { declare } from './declaration.ts'
import type { MessageHandle } from './handle.ts'
import { number, optional, string } from './parameter.ts'
import { BINDING_STAGE } from './stage.ts'

const method = declare<MessageHandle>()
const fn = declare<undefined>()

export const BINDING_METHODS = [
  method(
    'msg:binding',
    [optional(string('name'))],
    {
      result: 'string | nil',
      tier: 1,
      stages: BINDING_STAGE,
      doc: 'the binding that this copy leaves by; sets it. nil, and no change, when there is none of that name',
    },
    (msg, [name], { bindings }) => {
      if (name === undefined) return egressOf(msg).binding
      const group = bindings.groupOf(name)
      if (group === undefined) return undefined
      setEgress(msg, 'msg:binding', { binding: name, group })
      return name
    },
  ),
  method(
    'msg:binding_group',
    [optional(string('name'))],
    {
      result: 'string | nil',
      tier: 1,
      stages: BINDING_STAGE,
      doc: "the group of this copy's binding; picks a member of a group at random, one that is not suspended if there is one. nil, and no change, when the group is not there or empty",
    },
    (msg, [name], { bindings }) => {
      if (name === undefined) return egressOf(msg).group
      const binding = bindings.pick(name, Math.random)
      if (binding === undefined) return undefined
      setEgress(msg, 'msg:binding_group', { binding, group: name })
      return name
    },
  ),
]

export const BINDING_FUNCTIONS = [
  fn(
    'msys.core.config_get_binding_id_from_name',
    [string('name')],
    { result: 'number', tier: 2, doc: 'the id of a binding; -1: there is no such binding' },
    (_, [name], { bindings }) => bindings.names.indexOf(name),
  ),
  fn(
    'msys.core.config_get_binding_name_from_id',
    [number('id')],
    { result: 'string | nil', tier: 2, doc: 'the name of a binding' },
    (_, [id], { bindings }) => bindings.names[id],
  ),
  fn(
    'msys.core.config_get_binding_group_size',
    [string('name')],
    { result: 'number', tier: 2, doc: 'members of a binding group; -1: there is no such group' },
    (_, [name], { bindings }) => bindings.membersOf(name)?.length ?? -1,
  ),
]

function egressOf(msg: MessageHandle): Egress {
  return msg.current.envelope.egress ?? DEFAULT_EGRESS
}

function setEgress(msg: MessageHandle, name: string, egress: Egress): void {
  assertWritable(msg, name)
  msg.current = { ...msg.current, envelope: { ...msg.current.envelope, egress } }
}
