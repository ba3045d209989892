// A command of the command line in this process: for what needs no process of its own, such as its complaints.
import type { Finished } from './process.ts'

type Command = (args: readonly string[]) => Promise<number>

export async function captured(command: Command, args: readonly string[]): Promise<Finished> {
  const said = { stdout: '', stderr: '' }
  const streams = ['stdout', 'stderr'] as const
  const real = streams.map((name) => process[name].write.bind(process[name]))
  for (const name of streams) {
    process[name].write = (text: string | Uint8Array) => {
      said[name] += String(text)
      return true
    }
  }
  try {
    return { code: await command(args), ...said }
  } finally {
    streams.forEach((name, i) => {
      const write = real[i]
      if (write) process[name].write = write
    })
  }
}
