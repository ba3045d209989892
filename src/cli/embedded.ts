// The configuration of `eachrcpt serve` without a file: loopback only, nothing leaves the machine, mail is
// kept in a maildir. Paths begin in the folder that it is started in.

export const EMBEDDED = `
spoolbase = "var/spool"
maildir = "var/mail"

scriptlet "scriptlet" {
  script "preferences" { source = "preferences" }
}

smtpapi {}

esmtp_listener {
  listen "127.0.0.1:2525" {}
  relay_hosts = ( 127.0.0.0/8 )
  smtp_extensions = ( ENHANCEDSTATUSCODES XSETCONTEXT XDUMPCONTEXT )
  open_tracking_enabled = true
  click_tracking_enabled = true
  tracking_domain = "127.0.0.1:8080"
}

http_listener {
  listen "127.0.0.1:8080" {}
}

ec_logger {
  mainlog = "var/log/mainlog.ec"
  rejectlog = "var/log/rejectlog.ec"
  paniclog = "var/log/paniclog.ec"
}

event_hydrant {
  write_jlog = true
  jlog_filename = "var/log/events.jsonl"
}
`
