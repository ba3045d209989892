// What a TLS socket tells of its handshake, in the words of context variables (Momentum manual page
// "policy.context.variables").
import type { Socket } from 'node:net'
import { TLSSocket, type Certificate } from 'node:tls'
import { fromText } from '../mail/bytes.ts'
import type { PeerCertificate, TlsFacts } from './conversation.ts'

export function tlsFacts(socket: Socket): TlsFacts {
  if (!(socket instanceof TLSSocket)) return { version: '', cipher: '', bits: 0, peer: undefined }
  const { name } = socket.getCipher()
  const version = socket.getProtocol() ?? ''
  return { version, cipher: name, bits: keyBits(name), peer: peerCertificate(socket) }
}

/** Bits of the cipher's key, from its name: OpenSSL's own count does not reach Node. */
function keyBits(cipher: string): number {
  if (cipher.includes('3DES')) return 168
  return /256|CHACHA20/.test(cipher) ? 256 : 128
}

function peerCertificate(socket: TLSSocket): PeerCertificate | undefined {
  // Without a certificate this is an empty object.
  const { subject, issuer } = socket.getPeerCertificate()
  if (subject === undefined) return undefined
  return {
    isVerified: socket.authorized,
    subject: nameText(subject),
    subjectName: textOf(subject.CN),
    issuer: nameText(issuer),
    issuerName: textOf(issuer.CN),
  }
}

/** OpenSSL's one line: `/C=US/O=Example/CN=name`. */
function nameText(name: Certificate): string {
  return Object.entries(name)
    .flatMap(([key, value]) => [value].flat().map((text: unknown) => `/${key}=${textOf(text)}`))
    .join('')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? fromText(value) : ''
}
