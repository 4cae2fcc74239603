import type { Delivery } from '../../state/contract.ts';
import type { PolicyFacts, PolicyStage, Stopped } from './contract.ts';
import { group } from './group.ts';
import { acknowledge, inhibit, silence } from './hold.ts';
import type { Message } from './message.ts';
import { outdated } from './outdated.ts';

/** From what is due to one receiver to what is sent, over all hosts, in this order. */
export const POLICY: readonly PolicyStage[] = [
  outdated, // what is no longer true, or whose beginning was not told
  inhibit, // what an incident that explains it keeps quiet
  silence, // what people want to hear nothing of
  acknowledge, // repetitions of what somebody has taken on
  group, // what waits for others, to be told together
];

/** Run what is due through the stages; receivers that take no groups have `grouping` off. */
export function applyPolicy(
  due: readonly Delivery[],
  facts: PolicyFacts,
  { grouping }: { readonly grouping: boolean },
): { readonly due: readonly Delivery[]; readonly halted: readonly Stopped[] } {
  let on = due;
  const halted: Stopped[] = [];
  for (const stage of POLICY) {
    if (stage === group && !grouping) continue;
    const result = stage.run(on, facts);
    on = result.due;
    halted.push(...result.halted.map(one => ({ ...one, stage: stage.name })));
  }
  return { due: on, halted };
}

/** Those that look at each delivery by itself, in the same order. */
const JUDGING = [outdated, inhibit, silence, acknowledge];

/**
 * A message that was decided, less what the stages stop by now: it keeps its key, so that who has it from an attempt before
 * takes it once. All of it may be left out.
 */
export function withoutStopped(message: Message, facts: PolicyFacts): Message {
  const leftOut = [message.lead, ...message.others].flatMap((delivery): Stopped[] => {
    for (const { name, judge } of JUDGING) {
      const found = judge(delivery, facts);
      if (found) return [{ delivery, stage: name, ...found }];
    }
    return [];
  });
  return { ...message, leftOut };
}
