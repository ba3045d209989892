// The node of the recipient list that the list callouts get: opaque, as in Momentum.
import type { ApiObject } from './handle.ts'
import type { ClassShape } from './shape.ts'

export interface ListNode extends ApiObject {
  readonly kind: 'list_node'
}

export const LIST_NODE: ClassShape<ListNode> = {
  kind: 'list_node',
  className: 'msys.core:_eclist_node',
  prefix: 'list_node',
  methods: [],
  fields: [],
}
