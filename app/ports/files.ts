/** Files that the gateway reads again while it runs: keys, the streams file. */
export interface Files {
  /** @throws an error that says in words why it cannot be read. */
  read(file: string, maxBytes: number): Promise<Uint8Array>;
}
