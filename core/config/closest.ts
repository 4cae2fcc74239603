/** The known word that is most like the given one, or null when none is near: at most two changes, a third of its length. */
export function closest(word: string, known: readonly string[]): string | null {
  return nearest(word, known, Math.min(2, Math.ceil(word.length / 3)));
}

/** The name that a glob (options.ts) would match but for a change or two; one for every three letters that it gives. */
export function closestToGlob(glob: string, names: readonly string[]): string | null {
  const letters = glob.replace(/[*?]/g, '').length;
  return nearest(glob, names, Math.min(2, Math.floor(letters / 3)), true);
}

function nearest(word: string, known: readonly string[], limit: number, isGlob = false): string | null {
  const near = known
    .filter(other => isGlob || Math.abs(other.length - word.length) <= limit)
    .map(other => ({ other, changes: changes(word, other, isGlob) }))
    .filter(candidate => candidate.changes <= limit)
    .sort((a, b) => a.changes - b.changes);
  return near[0]?.other ?? null;
}

/**
 * Letters to insert, remove or replace (Levenshtein), two swapped neighbours being one change. In a glob `*` takes any
 * letters and `?` takes one, for nothing.
 */
function changes(a: string, b: string, isGlob: boolean): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const [previous, letter] = [a[i - 2], a[i - 1]];
    const skipping = isGlob && letter === '*' ? 0 : 1;
    const row = [(last[0] ?? 0) + skipping];
    for (let j = 1; j <= b.length; j++) {
      const isSame = letter === b[j - 1] || (isGlob && letter === '?');
      const isSwapped = previous !== undefined && letter === b[j - 2] && previous === b[j - 1];
      row.push(
        Math.min(
          at(last, j) + skipping,
          at(row, j - 1) + skipping,
          at(last, j - 1) + (isSame ? 0 : 1),
          isSwapped ? at(before, j - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    before = last;
    last = row;
  }
  return at(last, b.length);
}

const at = (row: readonly number[], j: number): number => row[j] ?? 0;
