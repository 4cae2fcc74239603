import { expect, it } from '@jest/globals';
import { planOf } from '../../qa/chaos/plan.ts';
import { playRound, type RoundResult } from '../../qa/chaos/round.ts';
import { describeWith } from '../parts/need.ts';

/** The differences, last, where the end of a long output shows them; before them what happened and was said. */
const wrongIn = ({ differences, story }: RoundResult): readonly string[] =>
  differences.length > 0 ? [...story, ...differences] : [];

/** `npm run chaos` plays as many rounds as one likes; these are few, and always the same. */
describeWith(
  ['redis', 'influx'],
  'nothing is lost and nothing comes twice, whatever is killed or stopped',
  () => {
    const sums = { incidents: 0, silenced: 0 };

    it.each([
      ['stack', 1],
      ['fleet', 2],
      ['embedded', 3],
    ] as const)('%s, seed %d', async (kind, seed) => {
      expect(planOf(kind, seed)).toEqual(planOf(kind, seed));
      const round = await playRound({ kind, seed });
      expect(wrongIn(round)).toEqual([]);
      const { figures } = round;
      expect(figures.frames).toBeGreaterThan(20);
      sums.incidents += figures.incidents;
      sums.silenced += figures.silenced;
      // An incident that is open when the traffic ends has one.
      expect(figures.deliveries + figures.silenced).toBeGreaterThanOrEqual(figures.incidents);
    });

    it.each([
      ['outage', 10],
      ['locked', 11],
    ] as const)('%s, seed %d: alerts arrive during a long outage of the store', async (kind, seed) => {
      const round = await playRound({ kind, seed });
      expect(wrongIn(round)).toEqual([]);
      expect(round.figures.during).toBeGreaterThan(0);
    });

    it('was tried on incidents, told and silenced: where one begins late there are fewer', () => {
      expect(sums.incidents).toBeGreaterThan(0);
      expect(sums.silenced).toBeGreaterThan(0);
    });

    it('not even when Redis forgets its last second, again and again', async () => {
      const plan = [2500, 5000, 7500, 10_000].map(
        at => ({ at, afterAcceptance: true, what: 'kill', part: 'redis', pauseMs: 50 }) as const,
      );
      const round = await playRound({ kind: 'stack', seed: 7, plan });
      expect(wrongIn(round)).toEqual([]);
      // Outcomes of deliveries were forgotten too: those were sent again, under the key that they had.
      expect(round.figures.repeated).toBeGreaterThan(0);
    });

    it.each([
      ['stack', 'collect-0'],
      ['embedded', 'run-0'],
    ] as const)(
      'is not always found right: a spool that lets go of frames before the store has them is caught, %s',
      async (kind, part) => {
        const { differences } = await playRound({
          kind,
          seed: 1,
          broken: true,
          plan: [{ at: 3500, what: 'kill', part, pauseMs: 100 }],
        });
        expect(differences.join()).toMatch(new RegExp(`${part}: \\d+ closed frames are not stored`));
      },
    );

    it('holds up deliveries while the receiver is away, kills meanwhile included, and loses none', async () => {
      const round = await playRound({
        kind: 'embedded',
        seed: 4,
        plan: [
          { at: 2000, what: 'stop', part: 'receiver', pauseMs: 6000 },
          { at: 5000, what: 'kill', part: 'run-0', pauseMs: 500 },
          { at: 7000, what: 'kill', part: 'run-0', pauseMs: 0 },
        ],
      });
      expect(wrongIn(round)).toEqual([]);
      // Of the bursts, which come by chance, one container's are silenced.
      expect(round.figures.deliveries).toBeGreaterThan(0);
    });
  },
);
