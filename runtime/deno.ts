import { DENO } from './deno_adapter.ts';
import { main } from './main.ts';

await main(DENO);
