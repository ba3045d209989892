// Which bindings there are: the egresses that policy chooses among (Momentum manual, "conf.ref.binding",
// "conf.ref.binding_group"). `default` is always one of them, with the id 0. Byte strings.
import { SUSPEND_DELIVERY } from './schema/outbound.ts'
import { type Stanza, stanzasOf, valueOf } from './stanza.ts'

export interface Bindings {
  /** A binding's id is its place here. */
  readonly names: readonly string[]
  /** The first group that has the binding; `default` without one; undefined: no such binding. */
  groupOf(binding: string): string | undefined
  /** Undefined: no such group. */
  membersOf(group: string): readonly string[] | undefined
  /**
   * One of its members at random, of those that are not suspended unless all are. `random`: from 0 up to 1.
   */
  pick(group: string, random: () => number): string | undefined
}

const DEFAULT = 'default'

export function bindingsOf(root: Stanza): Bindings {
  const groups = new Map<string, readonly Stanza[]>()
  const groupOf = new Map<string, string>([[DEFAULT, DEFAULT]])
  for (const { instance } of stanzasOf(root, 'binding')) groupOf.set(instance, DEFAULT)
  for (const group of stanzasOf(root, 'binding_group')) {
    const members = stanzasOf(group, 'binding')
    groups.set(group.instance, members)
    for (const { instance } of members) {
      if ((groupOf.get(instance) ?? DEFAULT) === DEFAULT) groupOf.set(instance, group.instance)
    }
  }
  const isSuspended = (member: Stanza): boolean => {
    const own = stanzasOf(root, 'binding').filter(({ instance }) => instance === member.instance)
    return valueOf(SUSPEND_DELIVERY, [member, ...own])
  }
  return {
    names: [...groupOf.keys()],
    groupOf: (binding) => groupOf.get(binding),
    membersOf: (group) => groups.get(group)?.map(({ instance }) => instance),
    pick(group, random) {
      const members = groups.get(group) ?? []
      const active = members.filter((member) => !isSuspended(member))
      const candidates = active.length > 0 ? active : members
      return candidates[Math.floor(random() * candidates.length)]?.instance
    },
  }
}

/** Where nothing is configured. */
export const NO_BINDINGS: Bindings = {
  names: [DEFAULT],
  groupOf: (binding) => (binding === DEFAULT ? DEFAULT : undefined),
  membersOf: () => undefined,
  pick: () => undefined,
}
