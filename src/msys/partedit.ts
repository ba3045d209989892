// Changing a part, with its message following.
import { LuaCallError } from '../lua/error.ts'
import type { FreshBoundary } from '../mime/treeedit.ts'
import { assertBodyOpen, noteEdit } from './content.ts'
import type { PartHandle } from './handle.ts'
import { freshBoundary } from './messagemime.ts'
import type { Runtime } from './runtime.ts'

/** Raises when this part cannot be changed. */
export function assertPartOpen({ owner, tree }: PartHandle, name: string, runtime: Runtime): void {
  assertBodyOpen(owner, name, runtime)
  if (!tree.isReadOnly) return
  throw new LuaCallError(`${name}: this part is read only: msg:mime(false) gives parts to edit`)
}

/** To be called when the part is open. */
export function changePart(self: PartHandle, change: (fresh: FreshBoundary) => void): void {
  change(freshBoundary(self.owner, [self.tree.root]))
  noteEdit(self.owner, self.tree)
}
