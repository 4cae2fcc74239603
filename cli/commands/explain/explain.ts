import { printable, UsageError } from '../../../core/errors.ts';
import { storyJson } from '../../../http/api/resources/story/story.ts';
import { jsonText } from '../../../review/report.ts';
import { type Register, setAction } from '../../command.ts';
import { JUDGED } from '../../config/needs.ts';
import type { CommonFlags, Context } from '../../context.ts';
import type { SharedState } from '../../shared/contract.ts';
import { addSharedCommand, openSharedState } from '../../shared/open.ts';
import { commandHere } from './command-here.ts';
import { storyLines } from './story-lines.ts';

interface ExplainFlags extends CommonFlags {
  readonly json?: boolean;
}

export const registerExplain: Register = (program, signal) => {
  const command = addSharedCommand(
    program,
    'explain',
    'the whole story of an incident: what was seen, whom it talked to, whether it happened before, what else was going on, who was told and who was not',
  );
  command.argument('<incident>', 'its id, as `incidents` shows it').option('--json', 'machine-readable');
  setAction(command, signal, explain, { needs: [...JUDGED, 'receivers'] });
};

async function explain(context: Context, flags: ExplainFlags, id: string): Promise<number> {
  const { out, zone, clock } = context;
  const refuse = () => {
    throw unknown(id);
  };
  const tell = async (state: SharedState) => {
    const now = clock.now();
    const story = await state.story(id, now);
    if (story === null) return refuse();
    if (flags.json) return out.write(jsonText(storyJson(story)));
    const lines = storyLines(story, { now, zone }, commandHere(flags, process.env));
    return out.write(`${lines.join('\n')}\n`);
  };
  return openSharedState(context, 'read', tell, refuse);
}

const unknown = (id: string): UsageError =>
  new UsageError({
    place: 'explain',
    expected: 'the id of an incident of the last 30 days',
    found: printable(id, 60) || 'nothing',
    remedy: '`tidegauge incidents --from 30d` shows them.',
  });
