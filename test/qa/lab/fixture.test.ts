import { describe, expect, it } from '@jest/globals';
import { readRecording } from '../../../qa/lab/recording.ts';
import { FIXTURE, judgeWith } from '../../../qa/lab/report.ts';
import { DEFAULT } from '../../../qa/quality/candidates.ts';

/** Real containers, captured by the real program; `npm run lab` makes such a recording. */
describe('recorded laboratory, judged by the default rules', () => {
  const { outcomes, falseAlerts, cleanMs } = judgeWith(readRecording(FIXTURE), DEFAULT);

  it('finds these incidents as soon as it has to', () => {
    const inTime = outcomes.filter(one => one.inTime).map(({ done }) => done.kind);
    expect(inTime).toEqual(expect.arrayContaining(['exfiltration', 'scan', 'beacon', 'silence', 'flood']));
  });

  it('raises nothing while nothing goes on, nor at a deploy, nor while it learns', () => {
    const phases = falseAlerts.map(({ phase }) => phase);
    for (const phase of ['clean', 'deploy', 'learning']) expect(phases).not.toContain(phase);
    expect(cleanMs).toBeGreaterThan(20 * 60_000);
  });
});
