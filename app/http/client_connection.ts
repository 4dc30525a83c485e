/** What the runtime knows of the connection that a request came by. */
export interface ClientConnection {
  /** The other side's IP address. */
  readonly address: string;
}
