// What the console has set while the server runs, for a worker that takes the place of another: the commands that
// still hold, in their order. The primary keeps them; Momentum's console has one process to tell.

export interface Standing {
  /** Of a command that was taken. Others than these mean nothing here. */
  note(argv: readonly string[]): void
  /** Options go by the file again; traces stay as they were chosen. */
  reloaded(): void
  commands(): readonly (readonly string[])[]
}

const TRACE = 'trace'

export function makeStanding(): Standing {
  const commands = new Map<string, readonly string[]>()
  const keep = (name: string, argv: readonly string[]): void => {
    commands.delete(name)
    commands.set(name, argv)
  }
  return {
    note(argv) {
      const [word, verb] = argv
      if (word === 'trace' && (verb === 'on' || verb === 'off')) keep(TRACE, argv)
      if (word !== 'config') return
      // The last word of `set` is the value: one option is kept once.
      if (verb === 'set') keep(nameOf(argv.slice(2, -1)), argv)
      if (verb === 'unset') keep(nameOf(argv.slice(2)), argv)
    },
    reloaded() {
      for (const name of commands.keys()) if (name !== TRACE) commands.delete(name)
    },
    commands: () => [...commands.values()],
  }
}

function nameOf(option: readonly string[]): string {
  return `config ${option.join(' ').toLowerCase()}`
}
