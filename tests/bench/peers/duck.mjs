// Usage: node duck.mjs FILE.sql - runs the statements of FILE.sql in DuckDB, in memory, and
// writes the rows of each.  From the environment: MODULES (where node_modules is), THREADS,
// and what replaces $F (input) and $O (output).
import { createRequire } from 'module';
import fs from 'fs';

const { MODULES, THREADS, F, O } = process.env;
const { DuckDBInstance } = createRequire(MODULES + '/')('@duckdb/node-api');
const db = await (await DuckDBInstance.create(':memory:', { threads: THREADS })).connect();
const text = fs.readFileSync(process.argv[2], 'utf8').replaceAll('$F', F).replaceAll('$O', O);

for (const query of text.split(/;\s*\n/).filter((q) => q.trim())) {
	const rows = (await db.runAndReadAll(query)).getRows();
	process.stdout.write(rows.map((r) => r.map(String).join('\t') + '\n').join(''));
}
