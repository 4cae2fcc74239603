import type { Container } from '../../core/traffic/frame.ts';

/**
 * Who could take whose place in a service. Containers with numbers (Compose, or a name that ends in one) and those that
 * an orchestrator named are replicas of each other; others that merely share an image, as `docker run` leaves them, are not.
 */
export interface Place {
  /** The same for those who can replace each other. */
  readonly family: string;
  /** Which of them, from what its name says; null: they have no order. */
  readonly number: number | null;
}

/** `web-3`, `web_3`, and the number alone, as Compose has it. */
const NUMBERED = /^(?<family>.*?)[-_.]?(?<number>\d{1,4})$/;
/** `web-7d9f8b6c5-x2x7p`, `report.9f8e7d6c`: a part with letters and digits that nobody typed. */
const GENERATED = /^(?<family>.+?)(?:[-_.](?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{5,})+$/;

export function placeOf({ replica }: Pick<Container, 'replica'>): Place {
  const generated = GENERATED.exec(replica)?.groups;
  if (generated) return { family: generated.family ?? '', number: null };
  const numbered = NUMBERED.exec(replica)?.groups;
  if (numbered) return { family: numbered.family ?? '', number: Number(numbered.number) };
  return { family: replica, number: null };
}
