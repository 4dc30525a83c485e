export type { Table, TableOptions, Tables } from './client.js';
export { table } from './client.js';
