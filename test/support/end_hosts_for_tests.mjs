export { teardown as default } from './hosts_for_tests.mjs';
