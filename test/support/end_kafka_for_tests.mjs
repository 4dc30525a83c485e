export { teardown as default } from './kafka_for_tests.mjs';
