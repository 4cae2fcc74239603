import { expect, it } from '@jest/globals';
import { endBlock, judge, newEnvelope, settle } from '../../detector/dynamic/envelope.ts';

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
