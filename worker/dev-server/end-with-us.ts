import type { ChildProcess } from 'node:child_process';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Ends a child process with this one, also when only this one gets the signal, as from another program rather than
 * from a terminal. A signal that nobody else here listens to then does what it does by itself.
 */
export function endWithUs(child: ChildProcess, how: NodeJS.Signals = 'SIGTERM'): void {
  const kill = () => void child.kill(how);
  const onSignal = (signal: NodeJS.Signals) => {
    kill();
    forget();
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const forget = () => {
    process.off('exit', kill);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  process.once('exit', kill);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  child.once('exit', forget);
  child.once('error', forget);
}
