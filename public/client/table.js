// @ts-self-types="./table.d.ts"
export { table } from './client.js';
