import type { Command } from 'commander';
import type { ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
}

/** A command: its words on the command line, and what it does when they are right. */
export interface CommandDefinition {
  readonly name: string;
  readonly summary: string;
  /** Lines that can be typed as they are. */
  readonly examples: readonly string[];
  /** Adds arguments and options. `--json` is there already. */
  readonly declare: (command: Command) => void;
  /** Loads what it needs when it is called, not before: most commands need little. */
  readonly run: (
    context: CommandContext,
    args: readonly unknown[],
    options: Readonly<Record<string, unknown>>,
  ) => Promise<ExitCode>;
}

/** The value of an option that takes text. */
export function textOption(options: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

export function isSet(options: Readonly<Record<string, unknown>>, name: string): boolean {
  return options[name] === true;
}

/** Arguments of a command that takes any number of them. */
export function textList(argument: unknown): string[] {
  return Array.isArray(argument) ? argument.filter((value): value is string => typeof value === 'string') : [];
}

/** Announcements and progress. */
export function sayTo(context: CommandContext): (line: string) => void {
  return (line) => context.terminal.err.write(`${line}\n`);
}

export function printJson(context: CommandContext, value: unknown): void {
  context.terminal.out.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
