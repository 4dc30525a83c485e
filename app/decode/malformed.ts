/** Bytes that are no value of their schema. */
export class Malformed extends Error {}
