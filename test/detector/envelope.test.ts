import { expect, it } from '@jest/globals';
import { allowanceAt, endBlock, judge, newEnvelope, settle } from '../../detector/dynamic/envelope.ts';

const BLOCK_MS = 600_000;
const SHARP = { floor: 0.66, steadyFloor: 0.66, restless: 0.4, allowance: 0 };

it.each([0.5, 1, 2, 3])('an envelope learns a lasting shift when limits are times %d', strictness => {
  const envelope = newEnvelope();
  for (let block = 0; block < 36; block++) {
    // Somewhat more than the least difference that is an event at all.
    const value = block < 18 ? 1 : 1.9;
    for (let i = 0; i < 120; i++) judge(envelope, value, SHARP, 0, strictness, block * BLOCK_MS + i * 5000);
    endBlock(envelope);
    settle(envelope, Math.floor(block / 3));
  }
  expect(envelope.edge).toBeGreaterThan(1.8);
});

it.each([
  ['alike', () => 0, true],
  ['unlike each other', (block: number) => 0.3 * (block % 2), false],
])('a young envelope whose blocks were %s needs allowance accordingly', (_, unrest, alarms) => {
  const envelope = newEnvelope();
  const sharp = { ...SHARP, allowance: 0.3 };
  const youth = allowanceAt(4 * BLOCK_MS);
  for (let block = 0; block < 4; block++) {
    judge(envelope, 1 + unrest(block), sharp, youth, 1, block * BLOCK_MS);
    endBlock(envelope);
    settle(envelope, 0);
  }
  const edge = envelope.edge ?? 0;
  expect(judge(envelope, edge + 1, sharp, youth, 1, 4 * BLOCK_MS) >= 1).toBe(alarms);
});
