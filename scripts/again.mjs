// Which files of tests are run once more (scripts/test.mjs), and what their second run makes of the reports of the first.
import { relative } from 'node:path';

/** So many files that failed are run once more, at most. */
const MAX_AGAIN = 3;

/** Files with a failure in reports of jest, below the folder `root`. */
export function failedFiles(reports, root) {
  const results = reports.flatMap(({ testResults }) => testResults);
  return results.filter(({ status }) => status === 'failed').map(({ name }) => relative(root, name));
}

/**
 * Files to run once more, of runs with these exit codes and reports: a few that failed. More of them, or a run that failed
 * without a failed file because jest ended before its report, is no matter of chance.
 */
export function filesToRunAgain(runs, root) {
  const failed = failedFiles(
    runs.map(({ report }) => report),
    root,
  );
  const isExplained = runs.every(({ code, report }) => code === 0 || failedFiles([report], root).length > 0);
  return isExplained && failed.length <= MAX_AGAIN ? failed : [];
}

/** A report without the results of the files in `names` (full paths): another one has them. */
export function withoutFiles(report, names) {
  const [gone, kept] = [true, false].map(isGone =>
    report.testResults.filter(({ name }) => names.has(name) === isGone),
  );
  const count = status => gone.flatMap(each => each.assertionResults).filter(t => t.status === status).length;
  return {
    testResults: kept,
    numPassedTests: report.numPassedTests - count('passed'),
    numFailedTests: report.numFailedTests - count('failed'),
    numPendingTests: report.numPendingTests - count('pending'),
    numTodoTests: report.numTodoTests - count('todo'),
  };
}
