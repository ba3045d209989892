// Copies that came in and that are over, by the binding that they leave by.
import { DEFAULT_EGRESS, type Egress } from '../mail/envelope.ts'

export interface BindingCount extends Egress {
  received: number
  delivered: number
  failed: number
}

export interface BindingCounts {
  /** Undefined: the default one. */
  of(egress: Egress | undefined): BindingCount
  all(): readonly Readonly<BindingCount>[]
}

export function makeBindingCounts(): BindingCounts {
  const groups = new Map<string, Map<string, BindingCount>>()
  const usual = countOf(DEFAULT_EGRESS)
  groups.set(usual.group, new Map([[usual.binding, usual]]))
  return {
    of(egress) {
      if (!egress) return usual
      let members = groups.get(egress.group)
      if (!members) groups.set(egress.group, (members = new Map()))
      let count = members.get(egress.binding)
      if (!count) members.set(egress.binding, (count = countOf(egress)))
      return count
    },
    all: () => [...groups.values()].flatMap((members) => [...members.values()]),
  }
}

function countOf({ group, binding }: Egress): BindingCount {
  return { group, binding, received: 0, delivered: 0, failed: 0 }
}
