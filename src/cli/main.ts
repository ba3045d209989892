#!/usr/bin/env node
// The command line. Exit codes: 0 done, 1 it did not come out as expected, 2 wrong usage, and those of
// sysexits for what goes wrong at run time (69 unavailable, 78 configuration).
//
// fdatasync of the spool shares libuv's threads with everything else: their number is set before any
// module that might use one is loaded, so modules are imported below, on demand.
process.env['UV_THREADPOOL_SIZE'] ??= '8'

const USAGE = `usage: eachrcpt <command> [options]; most commands tell more on --help

  serve [--config FILE] [--lenient] [--trace FILE]
                            run the server; without FILE one on loopback
  check [--config FILE | PATH…]
                            what of policy works here, what will go wrong
  run [POLICY…] --message FILE
                            one mail through the policy, without a server
  test [PATH…]              run tests of policy that are written in Lua
  record --listen … --server … --out DIR
                            write down what a server does
  cases LOG… --out DIR      sessions made from log files of a Momentum
  replay CASES POLICY…      play recorded sessions and compare
  diff-policy OLD NEW --cases PATH
                            recipients whose outcome changes
  init [DIR]                a folder to start from
  stubs [DIR]               definitions of the API for editors (LuaLS)
  config check|print [--config FILE]
                            whether it loads; the options that hold
  token decode TOKEN [--config FILE]
                            what a tracked link says
  spool VERB [ID] [--config FILE]
                            ls, show, retry, fail, rm, export, verify mail
  ctl COMMAND… [--config FILE]
                            the console of a running server; try ctl help
  events [--follow] [--group NAME]
                            events of all servers that share a Redis
  demo                      show the main job on a real newsletter and exit
  --version                 print the version
  --help                    print this

`

type Run = (args: readonly string[]) => Promise<number>

const COMMANDS: Readonly<Record<string, () => Promise<Run>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  init: async () => (await import('./init.ts')).init,
  stubs: async () => (await import('./stubs.ts')).stubs,
  check: async () => (await import('./check.ts')).check,
  run: async () => (await import('./run.ts')).run,
  config: async () => (await import('./config.ts')).config,
  token: async () => (await import('./token.ts')).token,
  test: async () => (await import('./test.ts')).test,
  record: async () => (await import('./record.ts')).record,
  cases: async () => (await import('./cases.ts')).cases,
  replay: async () => (await import('./replay.ts')).replay,
  'diff-policy': async () => (await import('./diffpolicy.ts')).diffPolicy,
  spool: async () => (await import('./spool.ts')).spool,
  ctl: async () => (await import('./ctl.ts')).ctl,
  events: async () => (await import('./events.ts')).events,
  demo: async () => (await import('./demo.ts')).demo,
}

async function main([command, ...args]: readonly string[]): Promise<number> {
  if (command === '--version') {
    const { VERSION } = await import('../observing/version.ts')
    process.stdout.write(`${VERSION}\n`)
    return 0
  }
  if (command === '--help' || command === 'help') {
    process.stdout.write(USAGE)
    return 0
  }
  const load = command === undefined ? undefined : COMMANDS[command]
  if (!load) {
    process.stderr.write(command ? `eachrcpt: unknown command "${command}"\n\n${USAGE}` : USAGE)
    return 2
  }
  return (await load())(args)
}

process.exitCode = await main(process.argv.slice(2))
