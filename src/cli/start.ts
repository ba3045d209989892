// What `serve` prints when it is up: the machine-readable line first, then what an operator wants to know.
import type { Config, HostPort } from '../config/config.ts'

export interface Started {
  readonly config: Config
  readonly smtp: readonly HostPort[]
  readonly http: readonly HostPort[]
  readonly scripts: readonly string[]
}

export function startText(server: Started, file: string | undefined): string {
  const { config } = server
  const { smtp, http } = endpointsOf(server)
  const { gateway, maildir, routes } = config.outbound('')
  const destination =
    maildir !== undefined
      ? `kept in the maildir ${maildir}`
      : gateway
        ? `to the gateway ${gateway.host}:${gateway.port}`
        : routes
          ? 'by its configured routes'
          : 'to the MX of its domain'
  const lines = [
    readyLine(server),
    `configuration  ${file ?? 'embedded default (loopback only; give your own with --config FILE)'}`,
    `mail in        smtp://${smtp.join(', ')}`,
    `mail out       ${destination}`,
    `links, pixels  ${http.map((address) => `http://${address}`).join(', ') || 'no http_listener'}`,
    `spool          ${config.spoolbase}`,
    ...(config.workers > 1 ? [`workers        ${config.workers}`] : []),
    `scripts        ${server.scripts.join(', ') || 'none'}`,
    ...(smtp[0] ? ['try it         ' + swaks(smtp[0])] : []),
  ]
  return `${lines.join('\n')}\n`
}

/** For programs: what is listened on. */
export function readyLine(server: Started): string {
  const { smtp, http } = endpointsOf(server)
  return `ready smtp=${smtp.join(',')} http=${http.join(',')}`
}

function endpointsOf(server: Started) {
  return { smtp: server.smtp.map(endpoint), http: server.http.map(endpoint) }
}

function endpoint({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function swaks(server: string): string {
  return (
    `swaks --server ${server} --from me@sender.example --to you@rcpt.example ` +
    `--add-header 'Content-Type: text/html' --body '<p><a href="https://example.com/">hello</a></p>'`
  )
}
