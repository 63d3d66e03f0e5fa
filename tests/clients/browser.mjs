// Clients of pages, as their packages are, in headless Chromium on a page of its own: the
// endpoint is another origin than the page.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { test, done, modules, require, like, aTime, having } from "./harness.mjs";

const { chromium } = require("playwright-core");
const received = aTime, sent = aTime;

// --- the page ---

const site = createServer((request, response) => {
	const url = new URL(request.url, "http://page");
	if (url.pathname === "/growingio.js") {
		response.setHeader("Content-Type", "text/javascript");
		response.end(readFileSync(process.env.GROWINGIO_SDK));
	} else if (url.pathname.startsWith("/modules/")) {
		response.setHeader("Content-Type", "text/javascript");
		response.end(readFileSync(path.join(modules, url.pathname.slice(9))));
	} else {
		response.setHeader("Content-Type", "text/html; charset=utf-8");
		response.end("<!doctype html><title>理财</title><p>page</p>");
	}
});
await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
const at = (host) => `http://${host}:${site.address().port}/fund?from=ad`;
const page = at("localhost");

const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP bank.test 127.0.0.1"],
});

// Opens the page in a profile of its own, loads a library there, runs `script` with `args`, and
// closes it after a while.
async function visit(library, script, args, where = page) {
	const context = await browser.newContext({ locale: "zh-CN", timezoneId: "Asia/Shanghai" });
	const tab = await context.newPage();
	const errors = [];
	tab.on("pageerror", (error) => errors.push(error.message));
	await tab.goto(where);
	await tab.addScriptTag({ url: library, type: library.startsWith("/modules/") ? "" : "module" });
	await tab.evaluate(script, args);
	await wait(1500);
	await tab.close({ runBeforeUnload: false });
	await context.close();
	if (errors.length) throw new Error("in the page: " + errors.join("; "));
}

// --- Sensors Data ---

// The library's own words for what it cannot tell of a page on localhost.
const unknown = "url的domain解析失败";

function sensorsRecords() {
	const cookie = like(/^[0-9a-f]+(-[0-9a-f]+){4}$/);
	const all = { time: aTime, event_id: like(/^[0-9a-f]{32}$/), source: "sensors/js", sent, received, project: "bank",
		lib: { $lib: "js", $lib_method: "code", $lib_version: "1.27.11" } };
	const known = { ...all, ids: { cookie, anonymous: cookie, customer: "cust-1" } };
	const props = { $timezone_offset: -480, $screen_height: 720, $screen_width: 1280, $viewport_height: 720, $viewport_width: 1280,
		$lib: "js", $lib_version: "1.27.11", $url: page, $title: "理财", $latest_traffic_source_type: unknown,
		$latest_search_keyword: unknown, $latest_referrer: unknown };
	return [
		{ ...all, event: "ViewProduct", ids: { cookie, anonymous: cookie },
			props: { ...props, product_id: "P001", price: 12.5, $is_first_day: true } },
		{ ...known, event: "$SignUp", props },
		{ ...known, type: "profile", set: { city: "上海" } },
	];
}

for (const [how, options] of [
	["image", { send_type: "image" }],
	["ajax", { send_type: "ajax" }],
	["beacon", { send_type: "beacon" }],
	["batch", { batch_send: { send_interval: 300, one_send_max_length: 6 } }],
])
	await test(`Sensors JavaScript, ${how}: events, login and profile`, async (e) => {
		await visit("/modules/sa-sdk-javascript/sensorsdata.min.js", ({ server, options }) => {
			const sa = window.sensorsDataAnalytic201505;
			sa.init({ server_url: server, is_track_single_page: false, show_log: false, heatmap: { clickmap: "not_collect", scroll_notice_map: "not_collect" }, ...options });
			sa.track("ViewProduct", { product_id: "P001", price: 12.5 });
			sa.login("cust-1");
			sa.setProfile({ city: "上海" });
		}, { server: `${e.url}/sa?project=bank`, options });
		return sensorsRecords();
	});

// --- Segment ---

for (const [how, delivery] of [
	["one by one", {}],
	["in batches", { deliveryStrategy: { strategy: "batching", config: { size: 10, timeout: 300 } } }],
])
	await test(`Segment browser, ${how}: pages, events and identity`, async (e) => {
		await visit("/modules/@segment/analytics-next/dist/umd/index.js", async ({ host, delivery }) => {
			const to = { apiHost: host + "/v1", protocol: "http", ...delivery };
			const analytics = window.AnalyticsNext.AnalyticsBrowser.load(
				{ writeKey: "key", cdnSettings: { integrations: { "Segment.io": { apiKey: "key", ...to } } } },
				{ integrations: { "Segment.io": to } });
			await analytics.track("View Fund", { fund_id: "F1" });
			await analytics.identify("cust-1", { name: "张三" });
			await analytics.page("Home");
		}, { host: `127.0.0.1:${e.port}`, delivery });
		const anonymous = like(/^[0-9a-f-]{36}$/);
		const where = { path: "/fund", referrer: "", search: "?from=ad", title: "理财", url: page };
		const lib = { $lib: "analytics.js", $lib_version: "next-1.84.3" };
		const all = { time: aTime, event_id: like(/^ajs-next-/), source: "segment/analytics.js", sent, received, project: "key",
			context: having({ page: where, locale: "zh-CN", timezone: "Asia/Shanghai" }), integrations: { "Segment.io": true }, _metadata: having({}) };
		const ids = { anonymous, customer: "cust-1" };
		return [
			{ ...all, event: "View Fund", ids: { anonymous }, props: { fund_id: "F1", ...lib } },
			{ ...all, type: "profile", ids, set: { name: "张三" } },
			{ ...all, event: "page_view", ids, props: { ...where, name: "Home", ...lib } },
		];
	});

// --- GrowingIO: no registry has it, and it does not start on localhost ---

for (const [how, options] of [["plain", { compress: false }], ["compressed", { compress: true }], ["by xhr", { compress: false, sendType: "xhr" }]])
	if (process.env.GROWINGIO_SDK)
		await test(`GrowingIO browser, ${how}: visit, page, events and user`, async (e) => {
			await visit("/growingio.js", ({ serverUrl, options }) => {
				window.gdp("init", "proj123", "ds123", { serverUrl, version: "1.0", idMapping: true, ...options });
				window.gdp("track", "view_fund", { fund_id: "F1", amt: 12.5 });
				window.gdp("setUserId", "cust-1", "custno");
				window.gdp("setUserAttributes", { name: "张三" });
				window.gdp("track", "after_login");
			}, { serverUrl: e.url, options }, at("bank.test"));
			const anonymous = like(/^[0-9a-f-]{36}$/);
			const all = { time: aTime, source: "growingio/web", sent, received };
			const known = { anonymous, customer: "cust-1" };
			return [
				having({ ...all, event: "session_start", ids: { anonymous } }),
				having({ ...all, event: "page_view", ids: { anonymous }, props: having({ path: "/fund", query: "from=ad", title: "理财" }) }),
				having({ ...all, event: "view_fund", ids: { anonymous }, props: having({ fund_id: "F1", amt: "12.5" }) }),
				having({ ...all, type: "profile", ids: known, set: having({ name: "张三" }) }),
				having({ ...all, event: "after_login", ids: known }),
			];
		});

await browser.close();
site.close();
done();
