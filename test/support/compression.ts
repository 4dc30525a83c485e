import process from 'node:process';

/** `gzip` where all gateways of a run compress their streams, and all clients take that; else `off`. */
export const COMPRESSION: string = process.env['TEST_COMPRESSION'] ?? 'off';
