/** A connection to the agent on `Bun.connect`, for the process of a call. No Effect. */

export interface Connection {
  readonly write: (text: string) => void
  readonly close: () => void
}

export interface Handlers {
  readonly opened: (connection: Connection) => void
  readonly received: (bytes: Uint8Array) => void
  /** Called once, also when the connection never opened; not after `close`. */
  readonly ended: () => void
}

export const connect = (path: string, { ended, opened, received }: Handlers): void => {
  let rest: Uint8Array = new Uint8Array()
  let over = false
  const end = () => {
    if (!over) ended()
    over = true
  }
  Bun.connect<undefined>({
    unix: path,
    data: undefined,
    socket: {
      binaryType: "uint8array",
      open: (socket) => {
        const flush = () => {
          const written = socket.write(rest)
          if (written > 0) rest = rest.subarray(written)
        }
        opened({
          write: (text) => {
            rest = rest.length === 0 ? Buffer.from(text) : Buffer.concat([rest, Buffer.from(text)])
            flush()
          },
          close: () => {
            over = true
            socket.terminate()
          }
        })
      },
      data: (_, bytes) => {
        if (!over) received(bytes)
      },
      drain: (socket) => {
        const written = rest.length === 0 ? 0 : socket.write(rest)
        if (written > 0) rest = rest.subarray(written)
      },
      end,
      close: end,
      error: end,
      connectError: end
    }
  }).then(undefined, end)
}
