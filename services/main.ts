import { runServices } from './command-line.ts';

process.exitCode = await runServices(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  say: (line) => process.stderr.write(`${line}\n`),
});
