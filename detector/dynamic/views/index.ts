import { balance } from './balance.ts';
import { base } from './base.ts';
import { burst } from './burst.ts';
import { levels } from './level.ts';
import { bySize } from './novel-size.ts';
import { ratios } from './ratio.ts';
import { silence } from './silence.ts';
import { sizes } from './sizes.ts';
import { trickle } from './trickle.ts';
import type { View } from './view.ts';

/** All views, levels first: what the dynamic threshold judges. A state keeps an envelope for each, in this order. */
export const VIEWS: readonly View[] = [
  ...levels,
  burst,
  base,
  ...ratios,
  balance,
  ...sizes,
  ...bySize,
  trickle,
  silence,
].map(alike);

/** With all properties, in one order: what is asked of all of them in turn is found faster in objects of one shape. */
function alike({ name, sharp, daily, work, read, isLearntOnly, tolerance, tell }: View): View {
  return { name, sharp, daily, work, read, isLearntOnly, tolerance, tell };
}
