import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Forms that a type checker can't refuse, each with what to do instead. */
const EVERYWHERE = [
  {
    selector: 'ExportDefaultDeclaration',
    message: 'Export by name, so that the name is the same wherever it is imported.',
  },
  {
    selector: 'TSEnumDeclaration',
    message: 'Write a const array or object and derive the union from it: it survives type stripping.',
  },
  {
    selector: 'ExportAllDeclaration',
    message: 'No barrels: import from the file that declares it.',
  },
  {
    selector: 'ClassDeclaration[superClass]:not([superClass.name=/(Error|Transform|Readable|Writable|Duplex)$/])',
    message: 'Hand the other object over and call it: only errors and streams are extended.',
  },
];

/** What makes a replay differ from the first run. The log carries the time, ids are hashes of what they name. */
const WALL_CLOCK = [
  {
    selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    message: 'Results may not depend on when they are computed: take the time from the record or the tick.',
  },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Results may not depend on when they are computed: take the time from the record or the tick.',
  },
  {
    selector: "CallExpression[callee.name='Date']",
    message: 'Date() reads the wall clock: take the time from the record or the tick.',
  },
  {
    selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
    message: 'Results must replay: derive it from the record (a hash), or have a seed handed over.',
  },
  {
    selector: 'CallExpression[callee.property.name=/^(randomUUID|randomBytes|randomInt|getRandomValues)$/]',
    message: 'Results must replay: an id is a hash of what it names.',
  },
];

/** In the runtime around the operators a duration may be measured; inside an operator even that has no place. */
const ANY_CLOCK = [
  {
    selector: 'MemberExpression[object.name=/^(performance|process)$/][property.name=/^(now|hrtime)$/]',
    message: 'A detector has no clock: what it needs is handed to it with the pane.',
  },
  {
    selector: 'CallExpression[callee.name=/^(setTimeout|setInterval|setImmediate)$/]',
    message: 'A detector has no timers: panes close on ticks.',
  },
];

export default defineConfig(
  globalIgnores(['dist/', 'var/', 'coverage/']),
  {
    // Comments can't switch a rule off: a rule that is wrong is wrong here, with the reason.
    linterOptions: { noInlineConfig: true },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': ['error', ...EVERYWHERE],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],

      // Numbers and booleans print as one expects; objects, null and undefined don't, and stay refused.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `array[i]!` in a loop that keeps i in bounds is how typed arrays are read under noUncheckedIndexedAccess.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // `() => sink.write(x)` as a callback says what it does; braces would only add a line.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A flag that another task sets during an `await` (closing, aborted) looks constant to the checker.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Loops over bytes carry their index on, skip ahead and run over a range: the index is part of the algorithm.
      '@typescript-eslint/prefer-for-of': 'off',
      // An adapter that has nothing to wait for still has to reject, not throw, where its port returns a promise.
      '@typescript-eslint/require-await': 'off',
      // A name that begins with _ is a parameter that an interface asks for and this implementation doesn't need.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['cli/**/*.ts', 'bench/**/*.ts'],
    // These print to a person or to a pipe. What runs unattended logs through the logger that it is given.
    rules: { 'no-console': 'off' },
  },
  {
    files: ['model/**/*.ts', 'stream/**/*.ts', 'alerts/episode*.ts', 'ingest/decoders/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...EVERYWHERE, ...WALL_CLOCK] },
  },
  {
    files: ['stream/detectors/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...EVERYWHERE, ...WALL_CLOCK, ...ANY_CLOCK] },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-console': 'off',
      // A test file is a list of cases; its length says nothing about its reasons to change.
      'max-lines': 'off',
      // What comes out of JSON.parse and response.json() is any, and expect() is the check of its shape.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // expect(object.method) takes methods without calling them.
      '@typescript-eslint/unbound-method': 'off',
      // Stand-ins for callbacks that a case doesn't look at.
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: ['*.config.js', '*.config.ts'],
    rules: { 'no-restricted-syntax': 'off' }, // tools look for a default export
  },
  {
    // Configuration and CI scripts are no part of the TypeScript project.
    files: ['**/*.js', '**/*.cjs', '**/*.mjs'],
    extends: [tseslint.configs.strict],
    rules: { eqeqeq: 'error', '@typescript-eslint/no-require-imports': 'off' },
  },
);
