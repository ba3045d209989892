// A process for the test to kill: puts the spool of argument 1 through the workload and prints the
// ledger, each line as soon as it holds.
import { writeSync } from 'node:fs'
import { openSpool } from '../../src/spool/spool.ts'
import { makeRandom, runWorkload } from './workload.ts'

const [, , directory = '', round = '0'] = process.argv
const spool = await openSpool({
  directory,
  segmentBytes: 500_000,
  report: (text) => process.stderr.write(`${text}\n`),
})
await runWorkload({
  spool,
  prefix: `${round}.`,
  messages: 100_000,
  concurrency: 20,
  random: makeRandom(Number(round)),
  ledger: (line) => writeSync(1, `${line}\n`),
})
