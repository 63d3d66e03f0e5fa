// Usage: node chdb.mjs FILE.sql - runs the statements of FILE.sql in ClickHouse (chdb) and
// writes the rows of each.  The environment is that of duck.mjs.
import { createRequire } from 'module';
import fs from 'fs';

const { MODULES, THREADS, F, O } = process.env;
const { query } = createRequire(MODULES + '/')('chdb');
const text = fs.readFileSync(process.argv[2], 'utf8').replaceAll('$F', F).replaceAll('$O', O)
	.replaceAll('$T', THREADS);

for (const q of text.split(/;\s*\n/).filter((part) => part.trim()))
	process.stdout.write(String(query(q, 'TSV')));
