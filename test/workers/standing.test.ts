import { expect, test } from 'vitest'
import { makeStanding } from '../../src/workers/standing.ts'

const words = (command: string): string[] => command.split(' ')

test('keeps what still holds: each option once, and whether there are traces', () => {
  const standing = makeStanding()
  const taken = [
    'config set domain x.example retry_interval 10',
    'trace on',
    'config set trace 1',
    'config set domain X.example Retry_Interval 20',
    'config unset domain x.example throttle',
    'config get retry_interval',
    'trace off',
    'trace smtp add * x.example /tmp/a',
    'trace smtp list',
    'trace smtp remove 1',
    'suspend domain x.example',
  ]
  for (const command of taken) standing.note(words(command))
  const commands = [
    'config set trace 1',
    'config set domain X.example Retry_Interval 20',
    'config unset domain x.example throttle',
    'trace off',
    'trace smtp add * x.example /tmp/a',
    'trace smtp remove 1',
  ]
  expect(standing.commands()).toEqual(commands.map(words))
  standing.reloaded()
  expect(standing.commands()).toEqual(commands.slice(3).map(words))
})
