// The socket of an accepted connection, read into one buffer of the process. Node would make a new one of 64 KB
// for each read: that costs more than to copy what came, and so much memory outside of the heap brings on
// collections of all of it. The option for that (`onread`) is for sockets that Node does not make itself, so a
// new socket takes over the connection of the one that was accepted.
import { type Server, Socket } from 'node:net'

/** Takes what has been read, past the stream that it is. */
export interface DirectInput {
  /** May look at the octets until it returns. False: no more until `drain`. */
  takeDirectly(octets: Buffer): boolean
  once(event: 'drain', listener: () => void): unknown
}

/** What one read may bring. */
const OCTETS = 262_144
const buffer = Buffer.allocUnsafeSlow(OCTETS)
const inputs = new WeakMap<Socket, DirectInput>()

/** What is not in the types: the connection itself, and the server that counts it. */
interface Internals {
  _handle: object | null
  server?: unknown
  _server?: unknown
}

/** Connections go to `accept`, as such sockets, and to nobody else. */
export function acceptDirectly(server: Server, accept: (socket: Socket) => void): void {
  server.removeAllListeners('connection')
  server.on('connection', (accepted: Socket) => accept(directSocket(accepted)))
}

/** Before anything has been read. It is paused. */
function directSocket(accepted: Socket): Socket {
  const { _handle: handle, server, _server } = accepted as unknown as Internals
  // Not one of Node's own.
  if (!handle) return accepted
  Object.assign(accepted, { _handle: null })
  const options = {
    handle,
    allowHalfOpen: true,
    pauseOnCreate: true,
    onread: {
      buffer,
      callback: (length: number) => deliver(socket, buffer.subarray(0, length)),
    },
  }
  const socket = new Socket(options)
  return Object.assign(socket, { server, _server })
}

/** From now on octets go to the input; the end of them goes through the stream. */
export function readDirectly(socket: Socket, input: DirectInput): void {
  inputs.set(socket, input)
}

/** False: the socket reads no more until it is resumed. */
function deliver(socket: Socket, octets: Buffer): boolean {
  const input = inputs.get(socket)
  if (!input || input.takeDirectly(octets)) return true
  input.once('drain', () => socket.resume())
  return false
}
