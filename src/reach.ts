// What a configuration lets policy reach beyond the server, and what is looked at before policy sees a sender.
import type { Config } from './config/config.ts'
import { openOutside } from './outside/open.ts'
import type { Outside } from './outside/outside.ts'
import { checkSpf } from './outside/mailauth.ts'
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
  return async (sender) => {
    const value = await checkSpf(sender, resolver, hostname)
    return { key: spf.contextVariable, value }
  }
}
