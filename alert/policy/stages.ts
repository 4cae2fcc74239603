import type { Delivery } from '../../state/contract.ts';
import type { Halted, PolicyFacts, PolicyStage } from './contract.ts';
import { group } from './group.ts';
import { acknowledge, inhibit, silence } from './hold.ts';
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
): { readonly due: readonly Delivery[]; readonly halted: readonly (Halted & { readonly stage: string })[] } {
  let on = due;
  const halted: (Halted & { readonly stage: string })[] = [];
  for (const stage of POLICY) {
    if (stage === group && !grouping) continue;
    const result = stage.run(on, facts);
    on = result.due;
    halted.push(...result.halted.map(one => ({ ...one, stage: stage.name })));
  }
  return { due: on, halted };
}
