import { expect, test } from '@jest/globals';
import { fieldsIn, fieldText } from '../../public/page/json_fields.js';

const VALUE = '{"id":12,"customer":{"name":"Ada","at":{"x":{"y":1}}},"tags":["a"],"no":null}';

test('fieldsIn() has the fields of objects, of their objects too, and of nothing else', () => {
  expect(fieldsIn([VALUE, 'text', '[1]', '{"id":1,"more":true,"a.b":1}'])).toEqual([
    'id',
    'customer.name',
    'customer.at.x',
    'tags',
    'no',
    'more',
  ]);
});

test('fieldText() is a field as text, or null where there is none', () => {
  const of = (field: string): string | null => fieldText(VALUE, field);
  expect(['id', 'customer.name', 'tags', 'no'].map(of)).toEqual(['12', 'Ada', '["a"]', 'null']);
  for (const none of ['name', 'customer.name.x', 'tags.0', 'constructor']) {
    expect(of(none)).toBeNull();
  }
  expect(fieldText('text', 'id')).toBeNull();
});
