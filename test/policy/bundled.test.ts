// The policies that ship with the server, and the one of the examples.
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { headerText, policyOf, subjectOf } from '../support/policy.ts'

const script = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

describe('preferences.lua', () => {
  const apply = async (header: string) => {
    const { policy, panics, close } = await policyOf({ p: await script('policy/preferences.lua') })
    const { subject } = subjectOf(`${header}Subject: x\r\n\r\nbody\r\n`)
    const outcome = await policy.openSession().run('validate_data', subject)
    await close()
    const variables = Object.fromEntries(subject.msg.current.context.message)
    return { outcome, panics, variables, header: headerText(subject.msg) }
  }

  test('takes its fields out and sets what they say', async () => {
    const fields = 'X-Track-Opens: No\r\nx-track-clicks: on\r\nX-Campaign: spring\r\n'
    expect(await apply(fields)).toEqual({
      outcome: { kind: 'done' },
      panics: [],
      header: 'Subject: x\r\n',
      variables: {
        smtpapi_open_tracking: '0',
        smtpapi_click_tracking: '1',
        smtpapi_campaign_id: 'spring',
      },
    })
  })

  test('leaves a message without them alone', async () => {
    expect(await apply('')).toMatchObject({ variables: {}, header: 'Subject: x\r\n' })
  })

  test('says when it does not understand one', async () => {
    const { panics, variables } = await apply('X-Track-Opens: maybe\r\n')
    expect(panics).toEqual(['scriptlet: X-Track-Opens: yes or no expected, got maybe'])
    expect(variables).toEqual({})
  })
})

describe('newsletter.lua', () => {
  test.each([
    ['carol@privacy.example', { smtpapi_open_tracking: '0', smtpapi_click_tracking: '0' }],
    ['ben@Partner.example', { smtpapi_open_tracking: '0', smtpapi_click_tracking: '1' }],
    ['anna@x.example', { smtpapi_open_tracking: '1', smtpapi_campaign_id: 'autumn-x.example' }],
  ])('treats %s as %j', async (rcptto, variables) => {
    const { policy, close } = await policyOf({ p: await script('examples/newsletter.lua') })
    const { subject } = subjectOf(undefined, rcptto)
    await policy.openSession().run('validate_data_spool_each_rcpt', subject)
    expect(Object.fromEntries(subject.msg.current.context.message)).toMatchObject(variables)
    await close()
  })
})
