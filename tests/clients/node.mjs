// Clients for servers, as their packages are, against the endpoint.  The zone is
// Asia/Shanghai, as run.sh sets it: some of them send local time without saying so.
import { test, done, require, like, aTime, anId, having } from "./harness.mjs";

const when = new Date("2024-03-01T00:00:00.000Z");
const time = "2024-03-01T00:00:00.000Z";
const received = aTime, sent = aTime;

for (const [how, batch] of [["one by one", {}], ["in batches", { count: 2 }]])
	await test(`Sensors Node, ${how}: events, profiles and items`, async (e) => {
		const Sensors = require("sa-sdk-node").default ?? require("sa-sdk-node");
		const sa = new Sensors();
		globalThis.isRunSubmitTo = false; // it would have one destination a process
		sa.submitTo({ url: `${e.url}/sa?project=bank`, gzip: true, mode: "track", timeout: 5000 }, batch);
		sa.track("anon-1", "ViewProduct", { product_id: "P001", price: 12.5, vip: true, tags: ["a", "b"], $time: when });
		sa.profileSet("cust-1", { name: "张三" });
		sa.profileIncrement("cust-1", { logins: 2 });
		sa.itemSet("product", "P001", { name: "基金" });
		const all = { event_id: like(/^[0-9a-f]{32}$/), source: "sensors/node", received, project: "bank",
			lib: having({ $lib: "Node", $lib_version: "1.2.6", $lib_method: "code" }) };
		return [
			{ time, event: "ViewProduct", ids: { anonymous: "anon-1" }, ...all,
				props: { $lib: "Node", $lib_version: "1.2.6", product_id: "P001", price: 12.5, vip: true, tags: ["a", "b"] } },
			{ time: aTime, type: "profile", ids: { anonymous: "cust-1" }, set: { name: "张三" }, ...all },
			{ time: aTime, type: "profile", ids: { anonymous: "cust-1" }, increment: { logins: 2 }, ...all },
			{ time: aTime, type: "entity", entity: "product", id: "P001", props: { name: "基金" }, ...all },
		];
	});

await test("ThinkingData Node: events and user properties, compressed", async (e) => {
	const ThinkingData = require("thinkingdata-node");
	const te = ThinkingData.initWithBatchMode("APPID", e.url, { batchSize: 20, compress: true });
	const who = { accountId: "cust-1", distinctId: "anon-1", time: when };
	const uuid = "11111111-2222-4333-8444-555555555555";
	te.track({ ...who, event: "view_fund", ip: "1.2.3.4", uuid, properties: { fund_id: "F1", amt: 12.5, vip: true, tags: ["a", "b"] } });
	te.userSet({ ...who, properties: { city: "上海" } });
	te.userAdd({ ...who, properties: { logins: 2 } });
	te.flush();
	te.close();
	const all = { time, ids: { customer: "cust-1", anonymous: "anon-1" }, received };
	return [
		{ ...all, event: "view_fund", event_id: uuid, source: "thinkingdata/node",
			props: { fund_id: "F1", amt: 12.5, vip: true, tags: ["a", "b"], "#ip": "1.2.3.4", $lib: "node", $lib_version: "1.5.0" } },
		{ ...all, type: "profile", event_id: anId, source: "thinkingdata", set: { city: "上海" } },
		{ ...all, type: "profile", event_id: anId, source: "thinkingdata", increment: { logins: 2 } },
	];
});

await test("Segment Node: all kinds of messages", async (e) => {
	const { Analytics } = require("@segment/analytics-node");
	const a = new Analytics({ writeKey: "key", host: e.url, maxEventsInBatch: 15 });
	const who = { userId: "cust-1", anonymousId: "anon-1", timestamp: when };
	a.identify({ ...who, traits: { name: "张三", phone: "13800000000" }, messageId: "m-1" });
	a.track({ ...who, event: "View Fund", properties: { fund_id: "F1", amt: 12.5 }, messageId: "m-2" });
	a.page({ ...who, name: "Home", properties: { path: "/f" }, messageId: "m-3" });
	a.screen({ ...who, name: "Main", messageId: "m-4" });
	a.group({ ...who, groupId: "corp-9", traits: { name: "某公司" }, messageId: "m-5" });
	a.alias({ userId: "cust-1", previousId: "anon-0", timestamp: when, messageId: "m-6" });
	await a.closeAndFlush();
	const lib = { $lib: "@segment/analytics-node", $lib_version: "3.1.0" };
	const ids = { customer: "cust-1", anonymous: "anon-1" };
	const all = { time, source: "segment/@segment/analytics-node", project: "key", sent, received };
	const more = { ...all, integrations: {}, _metadata: having({ jsRuntime: "node" }) };
	return [
		{ ...more, type: "profile", ids: { ...ids, phone: "13800000000" }, event_id: "m-1", set: { name: "张三", phone: "13800000000" } },
		{ ...more, event: "View Fund", ids, event_id: "m-2", props: { fund_id: "F1", amt: 12.5, ...lib } },
		{ ...more, event: "page_view", ids, event_id: "m-3", props: { path: "/f", name: "Home", ...lib } },
		{ ...more, event: "screen_view", ids, event_id: "m-4", props: { name: "Main", ...lib } },
		{ ...more, type: "relation", relation: "member_of", ids, to: { group: "corp-9" }, event_id: "m-5" },
		{ ...all, type: "entity", entity: "group", id: "corp-9", props: { name: "某公司" }, event_id: "m-5#entity" },
		{ ...more, type: "bind", ids: { customer: "cust-1", anonymous: "anon-0" }, event_id: "m-6" },
	];
});

await test("RudderStack Node: events and profiles, compressed under a wrong name", async (e) => {
	const module = require("@rudderstack/rudder-sdk-node");
	const Rudder = module.default ?? module;
	const r = new Rudder("key", { dataPlaneUrl: e.url, flushAt: 20, flushInterval: 100, logLevel: "error" });
	const who = { userId: "cust-1", anonymousId: "anon-1", timestamp: when };
	r.track({ ...who, event: "View Fund", properties: { fund_id: "F1", amt: 12.5 }, messageId: "m-2" });
	r.identify({ ...who, traits: { name: "张三" }, messageId: "m-1" });
	await r.flush();
	const all = { time, ids: { customer: "cust-1", anonymous: "anon-1" }, source: "segment/analytics-node",
		channel: "server", _metadata: having({}), originalTimestamp: aTime, sent, received };
	return [
		{ ...all, event: "View Fund", event_id: "m-2",
			props: { fund_id: "F1", amt: 12.5, $lib: "analytics-node", $lib_version: "3.0.13" } },
		{ ...all, type: "profile", event_id: "m-1", set: { name: "张三" }, context: { traits: { name: "张三" } } },
	];
});

await test("Jitsu: one message a request", async (e) => {
	const { jitsuAnalytics } = require("@jitsu/js");
	const j = jitsuAnalytics({ host: e.url, writeKey: "k:s" });
	await j.identify("cust-1", { name: "张三" });
	await j.track("View Fund", { fund_id: "F1" });
	const all = { time: aTime, ids: { customer: "cust-1", anonymous: like(/^[0-9a-f-]{36}$/) }, event_id: anId,
		source: "segment/@jitsu/js", project: "k", context: having({}), sent, received };
	return [
		{ ...all, type: "profile", set: { name: "张三" } },
		{ ...all, event: "View Fund", props: { fund_id: "F1", $lib: "@jitsu/js", $lib_version: "1.11.0" } },
	];
});

await test("Snowplow Node: POST in plain text, GET in Base64", async (e) => {
	const sp = require("@snowplow/node-tracker");
	const modes = [["post", false], ["get", true]];
	const schema = "iglu:cn.bank/view_fund/jsonschema/1-0-0";
	for (const [eventMethod, encodeBase64] of modes) {
		const t = sp.newTracker({ namespace: "sp", appId: "bank-app", encodeBase64 },
			{ endpoint: "127.0.0.1", port: e.port, protocol: "http", eventMethod, bufferSize: 1 });
		t.setUserId("cust-1");
		t.track(sp.buildSelfDescribingEvent({ event: { schema, data: { fund_id: "基金-" + eventMethod } } }));
	}
	return modes.map(([method]) => ({
		time: aTime, event: "view_fund", ids: { customer: "cust-1" }, event_id: like(/^[0-9a-f-]{36}$/),
		source: "snowplow/node", schema, project: "bank-app", sent, received,
		props: { fund_id: "基金-" + method, platform: "srv", name_tracker: "sp", $lib: "node", $lib_version: "4.8.0" },
	}));
});

done();
