import { expect, test } from '@jest/globals';

const { addressOf } = (await import('../../public/client/client_address.js' as string)) as {
  addressOf(url: string | readonly string[], options: object): URL;
};

test('addressOf() joins the topics of one gateway, in JSON, and no others', () => {
  const of = (...urls: string[]): string => addressOf(urls, {}).href;
  expect(of('https://g.example/x/a?key=1', 'https://g.example/x/b')).toBe(
    'https://g.example/x/a,b?key=1&format=json',
  );
  for (const other of ['https://h.example/x/b', 'https://g.example/y/b']) {
    expect(() => of('https://g.example/x/a', other)).toThrow(TypeError);
  }
  expect(() => of()).toThrow(TypeError);
  expect(addressOf('https://g.example/a', {}).href).toBe('https://g.example/a');
});
