import { addCaptureFlags, addCommand, type Register, setCaptureAction } from '../command.ts';
import { type RunFlags, runRoles } from '../run-roles.ts';

export const registerCollect: Register = (program, signal) => {
  const command = addCommand(
    program,
    'collect',
    'capture and store only; `detect` processes judge (needs a shared store, queue and state)',
  );
  addCaptureFlags(command).option('--quiet', 'show no traffic');
  setCaptureAction<RunFlags>(command, signal, (context, flags) =>
    runRoles(context, flags, { collect: true, detect: false }),
  );
};
