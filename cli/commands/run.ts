import { addCaptureFlags, addCommand, type Register, setCaptureAction } from '../command.ts';
import { type RunFlags, runRoles } from '../run-roles.ts';

export const registerRun: Register = (program, signal) => {
  const command = addCommand(program, 'run', 'capture, store, detect and alert, all in this process');
  addCaptureFlags(command).option('--quiet', 'show incidents only, no traffic');
  setCaptureAction<RunFlags>(command, signal, (context, flags) =>
    runRoles(context, flags, { collect: true, detect: true }),
  );
};
