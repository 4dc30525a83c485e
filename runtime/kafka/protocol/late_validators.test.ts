import { expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { withLateValidators } from './late_validators.ts';

const WRONG = { type: 'nothing that there is' };

async function late(schema: object) {
  return withLateValidators('@platformatic/kafka', async () => new Ajv2020().compile(schema));
}

test('withLateValidators() compiles a schema when something is held against it', async () => {
  const validate = await late(WRONG);
  expect(() => validate({})).toThrow('schema is invalid');
});

test('withLateValidators() changes no answer and no error', async () => {
  const schema = { type: 'object', required: ['a'] };
  const validate = await late(schema);
  const atOnce = new Ajv2020().compile(schema);
  for (const value of [{}, { a: 1 }, 1]) {
    expect([validate(value), validate.errors]).toEqual([atOnce(value), atOnce.errors]);
  }
});

test('withLateValidators() lets what is compiled later be compiled at once', async () => {
  await late(WRONG);
  expect(() => new Ajv2020().compile(WRONG)).toThrow('schema is invalid');
});
