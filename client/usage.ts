import type { CommanderError } from 'commander';
import type { DativoError } from '../contracts/errors.ts';
import { fail } from '../contracts/errors.ts';
import { nearest } from '../contracts/nearest.ts';

/** What may be typed at the place where something unknown was typed. */
export interface KnownWords {
  /** As in `dativo run`. */
  readonly command: string;
  /** As in `dativo run [options] <job...>`. */
  readonly usage: string;
  /** The command that help was asked for, in `dativo help <command>`. */
  readonly helpFor?: string;
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
      return usage(`${known.command} without <${word}>`, known.usage, help);
    case 'commander.invalidArgument':
      return invalidArgument(message, help);
    case 'commander.optionMissingArgument':
      return usage(`the option ${word} without a value`, 'a value after it', help);
    case 'commander.excessArguments':
      return usage(
        `more words than ${known.command} takes`,
        known.usage,
        `${help}; put quotes around a text with spaces`,
      );
    case 'commander.conflictingOption':
      return usage(message.replace(/^error: /, '').replaceAll("'", ''), 'one of them', help);
    case 'commander.help':
      if (known.helpFor !== undefined) return unknownWord('the command', known.helpFor, known.commands, help);
      return usage('no command', 'one of those above', 'for example `dativo run job.yaml`');
    default:
      return usage(message.replace(/^error: /, '').replaceAll("'", ''), 'a value that is allowed', help);
  }
}

/** Commander: `error: option '--limit <number>' argument 'x' is invalid. ` and then our own words. */
function invalidArgument(message: string, help: string): DativoError {
  const [, option = '', value = '', expected = ''] =
    /^error: option '(.*?)(?: <.*>)?' argument '(.*)' is invalid\. (?:Expected )?(.*?)\.?$/s.exec(message) ?? [];
  return usage(`${option} ${value}`.trim(), expected || 'a value that is allowed', help);
}

function unknownWord(kind: string, word: string, known: readonly string[], help: string): DativoError {
  const meant = nearest(word, known);
  return usage(
    `${kind} ${word}, which is not known`,
    meant ?? `one of ${known.join(', ')}`,
    meant ? `did you mean ${meant}? Else ${help}` : help,
  );
}

/** Throws-to-be for options that do not go together, which commander cannot know. */
export function usage(received: string, expected: string, next: string): DativoError {
  return fail('USAGE', { received, expected, next });
}
