import type { CommanderError } from 'commander';
import type { DativoError } from '../contracts/errors.ts';
import { fail } from '../contracts/errors.ts';
import { nearest } from '../contracts/nearest.ts';

/** What may be typed at the place where something unknown was typed. */
export interface KnownWords {
  /** As in `dativo run`. */
  readonly command: string;
  readonly commands: readonly string[];
  readonly options: readonly string[];
}

/** A mistake on the command line in Dativo's words, with the known word that was most likely meant. */
export function usageError({ code, message }: CommanderError, known: KnownWords): DativoError {
  const word = /'([^']+)'/.exec(message)?.[1] ?? '';
  const help = `see \`${known.command} --help\``;
  switch (code) {
    case 'commander.unknownCommand':
      return unknownWord('the command', word, known.commands, help);
    case 'commander.unknownOption':
      return unknownWord('the option', word.replace(/=.*$/, ''), known.options, help);
    case 'commander.missingArgument':
      return usage(`${known.command} without ${word}`, `at least one ${word}`, help);
    case 'commander.optionMissingArgument':
      return usage(`the option ${word} without a value`, 'a value after it', help);
    case 'commander.excessArguments':
      return usage(
        `more words than ${known.command} takes`,
        'only those that it knows',
        `${help}; put quotes around a text with spaces`,
      );
    case 'commander.conflictingOption':
      return usage(message.replace(/^error: /, '').replaceAll("'", ''), 'one of them', help);
    case 'commander.help':
      return usage('no command', 'one of those above', 'for example `dativo run job.yaml`');
    default:
      return usage(message.replace(/^error: /, '').replaceAll("'", ''), 'a value that is allowed', help);
  }
}

function unknownWord(kind: string, word: string, known: readonly string[], help: string): DativoError {
  const meant = nearest(word, known);
  return usage(
    `${kind} ${word}, which is not known`,
    meant ?? known.join(', '),
    meant ? `did you mean ${meant}? Else ${help}` : help,
  );
}

/** Throws-to-be for options that do not go together, which commander cannot know. */
export function usage(received: string, expected: string, next: string): DativoError {
  return fail('USAGE', { received, expected, next });
}
