// What a configuration lets policy reach beyond the server, and what is looked at before policy sees a sender.
import type { Config } from './config/config.ts'
import { openOutside } from './outside/open.ts'
import type { Outside } from './outside/outside.ts'
import { checkSpf, receivedSpf, spfResult } from './outside/mailauth.ts'
import { makeField } from './mime/field.ts'
import type { SenderCheck } from './smtp/state.ts'

export function filesOf({ scriptlet }: Config) {
  return {
    fileRoots: scriptlet.fileRoots.length > 0 ? scriptlet.fileRoots : scriptlet.searchPath,
    pathMap: scriptlet.scriptPathMap,
    environment: scriptlet.scriptEnvironment,
  }
}

export function outsideOf(config: Config): Outside {
  const { dnsServers, scriptlet, spamassassin } = config
  const { httpAllow } = scriptlet
  return openOutside({ dnsServers, httpAllow, spamassassin, files: filesOf(config) })
}

/** Undefined: nothing is looked at. */
export function senderCheck(
  { spf, hostname }: Config,
  { resolver }: Outside,
): SenderCheck | undefined {
  if (!spf) return undefined
  const { addsHeaders, addsResults, contextVariable: key, defaultRule } = spf
  return async (sender) => {
    const status = await checkSpf(sender, resolver, hostname)
    const results = `${hostname}; ${spfResult(status, sender)}`
    const fields = [
      ...(addsHeaders ? [makeField('Received-SPF', receivedSpf(status, sender, hostname))] : []),
      ...(addsResults ? [makeField('Authentication-Results', results)] : []),
    ]
    // Of a domain that says nothing.
    return { key, value: status === 'none' ? (defaultRule ?? status) : status, fields }
  }
}
