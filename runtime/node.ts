import { main } from './main.ts';
import { NODE } from './node_adapter.ts';

await main(NODE);
