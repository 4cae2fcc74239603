/** TypeScript as it is: swc strips the types, Node runs the modules. */
export default {
  rootDir: '.',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/.cache/'],
  // For what hangs: what is waited for has limits of its own (`until`), and steps add up on a slow machine.
  testTimeout: 180_000,
  maxWorkers: 2,
};
