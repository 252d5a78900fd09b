import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { confirm } from '../../client/confirm.ts';
import { captureOutput } from './captured-terminal.ts';

/** What a person types, and whether it is one. */
function typed(text: string, isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY });
  input.end(text);
  return { input };
}

const terminal = () => ({ terminal: { out: captureOutput(), err: captureOutput({ isTerminal: true }) } });

test.each([
  ['y\n', true],
  ['YES\n', true],
  ['n\n', false],
  ['\n', false],
  ['', false],
])('the answer %j is %j', async (text, answer) => {
  expect(await confirm(terminal(), '1 to create. Go on?', typed(text))).toBe(answer);
});

test('the question stands on the error output', async () => {
  const context = terminal();
  await confirm(context, '1 to create. Go on?', typed('y\n'));
  expect(context.terminal.err.text()).toContain('1 to create. Go on? [y/N]');
  expect(context.terminal.out.text()).toBe('');
});

test('where nobody can answer, nothing is asked', async () => {
  await expect(confirm(terminal(), 'Go on?', typed('y\n', false))).rejects.toThrow(/add --yes to go on without it/);
  const piped = { terminal: { out: captureOutput(), err: captureOutput() } };
  await expect(confirm(piped, 'Go on?', typed('y\n'))).rejects.toMatchObject({ code: 'USAGE' });
});
