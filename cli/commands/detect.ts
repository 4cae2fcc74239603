import { addCommand, type Register, setAction } from '../command.ts';
import { runRoles } from '../run-roles.ts';

export const registerDetect: Register = (program, signal) => {
  const command = addCommand(
    program,
    'detect',
    'judge the frames of collectors and deliver notifications; start as many as you like',
  );
  setAction(command, signal, (context, flags) => runRoles(context, flags, { collect: false, detect: true }), {
    ends: 'in order',
  });
};
