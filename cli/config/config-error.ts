import { TidegaugeError } from '../../core/errors.ts';

/** A refused configuration: every problem with its place, at once. */
export class ConfigError extends TidegaugeError {
  override readonly name = 'ConfigError';
  /** One line per problem. */
  readonly lines: readonly string[];

  constructor(
    place: string,
    lines: readonly string[],
    remedy = 'Fix it; docs/configuration.md lists every key.',
  ) {
    super(
      {
        place,
        expected: 'a valid configuration',
        found: lines.join('; '),
        remedy,
      },
      { exitCode: 2 },
    );
    this.lines = lines;
  }
}
