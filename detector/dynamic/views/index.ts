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

/** All views: what the dynamic threshold judges. A state keeps an envelope for each, in this order. */
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
];
