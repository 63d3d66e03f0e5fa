// What tests of real clients share: an endpoint of its own for each, and the comparison of
// the records that come out with those that should, member by member.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, rmSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";

const top = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../..");
export const modules = path.join(top, "build/clients/node_modules");
export const require = createRequire(path.join(top, "build/clients/package.json"));

// --- the endpoint ---

export async function endpoint(...options) {
	const dir = mkdtempSync(path.join(tmpdir(), "cdp-clients."));
	const port = path.join(dir, "port");
	const rejects = path.join(dir, "rejects");
	const child = spawn(path.join(top, process.env.BUILD ?? "build/release", "cdp-collect"),
		["-q", "--listen", "127.0.0.1:0", "--port-file", port, "--rejects", rejects,
		 ...options], { stdio: ["ignore", "pipe", "inherit"] });
	let text = "";
	child.stdout.on("data", (data) => { text += data; });
	const ended = new Promise((resolve) => child.on("exit", resolve));
	while (!existsSync(port)) {
		if (child.exitCode !== null) throw new Error("the endpoint did not start");
		await wait(20);
	}
	const number = readFileSync(port, "utf8").trim();
	const lines = () => text.split("\n").filter(Boolean);
	return {
		port: Number(number),
		url: `http://127.0.0.1:${number}`,
		// Until as many records are there, and then a while for those that should not be.
		async records(n, quiet = 300) {
			for (let i = 0; i < 750 && lines().length < n; i++) await wait(20);
			await wait(quiet);
			return lines().map((line) => JSON.parse(line));
		},
		async stop() {
			child.kill("SIGTERM");
			const status = await ended;
			const bad = existsSync(rejects) ? readFileSync(rejects, "utf8") : "";
			rmSync(dir, { recursive: true });
			return { status, bad };
		},
	};
}

// --- comparison ---

// Stands for a value that is another in each run.
export const like = (pattern) => ({ matches: (v) => pattern.test(String(v)), text: String(pattern) });
export const aTime = like(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
export const anId = like(/^[\w.:~-]{5,}$/);
export const anything = like(/^/);
// An object of which only these members are told.
export const having = (members) => ({ having: members });

// Where `got` is not what was wanted; "" if it is.
function difference(got, want, at) {
	if (want && want.matches)
		return want.matches(got) && got !== undefined ? "" : `${at}: ${JSON.stringify(got)} is not like ${want.text}`;
	const open = want && want.having;
	const members = open ? want.having : want;
	if (members === null || typeof members !== "object")
		return Object.is(got, members) ? "" : `${at}: ${JSON.stringify(got)} is not ${JSON.stringify(members)}`;
	if (got === null || typeof got !== "object" || Array.isArray(got) !== Array.isArray(members))
		return `${at}: ${JSON.stringify(got)} is not ${JSON.stringify(members)}`;
	for (const key of new Set([...Object.keys(members), ...(open ? [] : Object.keys(got))])) {
		if (!(key in members)) return `${at}.${key}: ${JSON.stringify(got[key])} is not expected`;
		const found = difference(got[key], members[key], `${at}.${key}`);
		if (found) return found;
	}
	return "";
}

// --- tests ---

let count = 0, failed = 0;

// A client is given the endpoint, sends, and tells the records that must come out, in any
// order.  They come once, nothing is set aside, and the endpoint ends well.
export async function test(name, client, options = []) {
	if (process.env.ONLY && !name.includes(process.env.ONLY)) return;
	const e = await endpoint(...options);
	let problem = "";
	try {
		const want = await client(e);
		const got = await e.records(want.length);
		if (process.env.SHOW) for (const r of got) console.log("# " + JSON.stringify(r));
		problem = compare(got, want);
	} catch (error) {
		problem = error.stack;
	}
	const { status, bad } = await e.stop();
	if (!problem && bad) problem = "set aside: " + bad;
	if (!problem && status !== 0) problem = "the endpoint ended with status " + status;
	count++;
	console.log(`${problem ? "not ok" : "ok"} ${count} - ${name}`);
	if (problem) {
		failed++;
		console.log(problem.split("\n").map((line) => "#   " + line).join("\n"));
	}
}

// Each record that is wanted is looked for among those that no other one took.
function compare(got, want) {
	const left = [...got];
	for (const w of want) {
		const i = left.findIndex((g) => !difference(g, w, "record"));
		if (i < 0) {
			const name = w.event ?? w.type ?? "record";
			const near = left.find((g) => (g.event ?? g.type) === name) ?? left[0];
			return `no record is the '${name}' that was sent: ` +
				(near ? difference(near, w, "record") + "\nin " + JSON.stringify(near) : "none is left");
		}
		left.splice(i, 1);
	}
	return left.length ? "came without being wanted: " + JSON.stringify(left[0]) : "";
}

export function done() {
	console.log(`1..${count}`);
	process.exit(failed ? 1 : 0);
}
