/** Where a URL says what kind of file it is. */
const ENDING = /\.[a-z]+$/;

/**
 * Another module of ours, to be started in a thread or process of its own: `name` without an ending, relative to `from`, the
 * `import.meta.url` of who asks. Its ending is that of who asks: `.ts` in a checkout, `.js` in the package of npm.
 */
export const moduleBeside = (name: string, from: string): URL =>
  new URL(`${name}${ENDING.exec(from)?.[0] ?? ''}`, from);
