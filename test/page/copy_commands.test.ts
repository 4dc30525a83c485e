import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { copyCommands } from '../../public/page/copy_commands.js';

describe('copyCommands()', () => {
  test('of a stream with a public certificate', () => {
    const commands = copyCommands('https://gateway.example/prices?since=latest');
    expect(commands.curl).toBe("curl --no-buffer 'https://gateway.example/prices?since=latest'");
    expect(commands['sse-cat']).toBe(
      "npx --no -- sse-cat 'https://gateway.example/prices?since=latest'",
    );
    expect(commands.JavaScript).toContain('console.log(data)');
  });

  test('of localhost, whose certificate nobody knows', () => {
    const commands = copyCommands('https://localhost:9090/events?format=json');
    expect(commands.curl).toContain('--insecure');
    expect(commands['sse-cat']).toContain('sse-cat --insecure ');
    expect(commands.JavaScript).toContain('JSON.parse(data)');
    expect(copyCommands('http://localhost:8080/events').curl).not.toContain('--insecure');
  });

  test('of whoever is signed in, with a token that they put in', () => {
    const { curl, 'sse-cat': sseCat } = copyCommands('https://gateway.example/prices', true);
    const url = "'https://gateway.example/prices'";
    expect(curl).toBe(`curl --no-buffer -H "Authorization: Bearer $TOKEN" ${url}`);
    expect(sseCat).toBe(`npx --no -- sse-cat --token-file token ${url}`);
  });

  test('are one word to a shell, whatever the location holds', () => {
    const url = new URL("https://gateway.example/a'b$(id)`id`?x=%27").href;
    const [word] = /'.*$/.exec(copyCommands(url).curl) ?? [];
    expect(execFileSync('sh', ['-c', `printf %s ${word}`]).toString()).toBe(url);
  });
});
