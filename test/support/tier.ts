import process from 'node:process';

/** Whether this is `npm run test:all`: what `npm test` takes a slice of, is run whole. */
export const IS_ALL = process.env['TEST_TIER'] === 'all';
