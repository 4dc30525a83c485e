export type { Table, TableOptions } from './client.js';
export { table } from './client.js';
