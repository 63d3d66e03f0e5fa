#!/usr/bin/env python3
"""Compare the tools with a directory of real data, answers and cases.

usage: check_data.py BINDIR DATADIR

DATADIR holds ndjson/ (events), truth/ (answers by independent programs) and cases/ (small cases
of other products).  One line a case, then a total; status 1 if any case failed.  A case that the
manual answers otherwise on purpose is listed with its reason in `READINGS`.
"""
import base64
import glob
import json
import os
import subprocess
import sys
import tempfile

BIN, DATA = sys.argv[1:3]
TMP = tempfile.mkdtemp(prefix="cdp-check-")
passed = failed = 0


def report(name, ok, detail=""):
    global passed, failed
    passed += ok
    failed += not ok
    print(("ok      " if ok else "FAILED  ") + name + (": " + detail if detail and not ok else ""))


def run(tool, *args, stdin=b""):
    r = subprocess.run([os.path.join(BIN, tool), *args], input=stdin, capture_output=True)
    return r.returncode, r.stdout, r.stderr.decode("utf-8", "replace")


def rows(out):
    return [json.loads(line) for line in out.splitlines()]


def load(path):
    with open(os.path.join(DATA, path), encoding="utf-8") as f:
        return json.load(f)


def have(path):
    return os.path.exists(os.path.join(DATA, path))


def lines_of(events):
    return "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in events).encode()


# --- funnels ---

def cel_string(s):
    return "'" + s.replace("\\", "\\\\").replace("'", "\\'") + "'"


def step_arg(step):
    if isinstance(step, str):
        step = {"event": step}
    cond = "event == " + cel_string(step["event"])
    for k, v in (step.get("where") or {}).items():
        value = cel_string(v) if isinstance(v, str) else json.dumps(v)
        cond += " && props[%s] == %s" % (cel_string(k), value)
    return "--step", step["event"].replace(":=", " ") + ":=" + cond


def funnel(spec, *more, files=(), stdin=b""):
    args = ["--key", "ids." + spec["key"]]
    for s in spec["steps"]:
        args += step_arg(s)
    w = spec.get("window_s")
    args += ["--window", "none" if w is None else "%ds" % w]
    status, out, err = run("cdp-funnel", *args, *more, *files, stdin=stdin)
    if status:
        return None, err
    groups = {}
    for r in rows(out):
        groups.setdefault(json.dumps(r.get("by")), []).append(r)
    return groups, ""


def users(group):
    return [r["users"] for r in group]


def check_funnel_truth():
    for case in load("truth/funnels.json"):
        spec = case["spec"]
        files = [os.path.join(DATA, "ndjson", spec["data"] + ".ndjson")]
        by = ["--by", "props[%s]" % cel_string(spec["breakdown"])] if "breakdown" in spec else []
        for tie, truth in (("any", case["ge"]), ("strict", case["gt"]), ("order", case["order"])):
            name = "funnel %s, ties %s" % (spec["name"], tie)
            groups, err = funnel(spec, "--tie", tie, "--chain", "first", *by, files=files)
            if groups is None:
                report(name, False, err)
                continue
            for value, want in truth.items():
                got = groups.get("null" if value == "all" and not by else json.dumps(value), [])
                report(name + ", " + value, users(got) == want["users_at_least_step"],
                       "users %s, want %s" % (users(got), want["users_at_least_step"]))
                if "median_s_from_prev" in want:
                    medians = [r["median_s"] for r in got]
                    same = len(medians) == len(want["median_s_from_prev"]) and all(
                        a == b or (a is not None and b is not None and abs(a - b) < 0.001)
                        for a, b in zip(medians, want["median_s_from_prev"]))
                    report(name + ", " + value + ", medians", same,
                           "%s, want %s" % (medians, want["median_s_from_prev"]))


def check_strict_truth():
    for case in load("truth/strict_funnels.json"):
        spec = case["spec"]
        files = [os.path.join(DATA, "ndjson", spec["data"] + ".ndjson")]
        groups, err = funnel(spec, "--order", "strict", "--tie", "order", files=files)
        got = users(groups["null"]) if groups else err
        report("strict funnel " + spec["name"], got == case["users_at_least_step"],
               "%s, want %s" % (got, case["users_at_least_step"]))


MODES = {"strict_increase": ["--tie", "strict"], "strict_order": ["--order", "strict"]}


def check_funnel_cases(path):
    doc = load(path)
    for case in doc["cases"]:
        q, want = case["query"], case["expect"]
        events = case.get("events", doc.get("events", []))
        name = "%s: %s" % (os.path.basename(path), case["case"])
        modes = q.get("mode") or []
        more = sum((MODES.get(m, []) for m in modes if isinstance(modes, list)), [])
        by = ["--by", "props[%s]" % cel_string(q["breakdown"])] if "breakdown" in q else []
        spec = {"key": q["key"], "steps": q["steps"], "window_s": q.get("window_s")}
        if "levels" in want:
            groups, err = funnel(spec, *more, stdin=lines_of(events))
            if groups is None:
                report(name, False, err)
                continue
            got = users(groups["null"])
            reached = [want["levels"].get(str(k + 1)) for k in range(len(got))]
            # "levels" counts users by the level they reach at least; unnamed ones are nobody
            report(name, got == [v or 0 for v in reached], "%s, want %s" % (got, want["levels"]))
            continue
        groups, err = funnel(spec, *more, stdin=lines_of(events))
        got = users(groups["null"]) if groups else err
        report(name, got == want["users_at_least_step"],
               "%s, want %s" % (got, want["users_at_least_step"]))
        if by and "by_breakdown" in want:
            groups, err = funnel(spec, *more, *by, stdin=lines_of(events))
            got = {json.loads(k): users(v) for k, v in (groups or {}).items()}
            report(name + ", by " + q["breakdown"], got == want["by_breakdown"],
                   "%s, want %s" % (got or err, want["by_breakdown"]))


# --- records: JSON, UTF-8, strings ---

def filter_texts(texts):
    """Each text as the value of props.v on a line of its own, a good line after each.
    Returns per text whether its line passed unchanged, and checks that the good ones did."""
    good = b'{"event":"good","props":{"v":1}}'
    lines = []
    for t in texts:
        lines += [b'{"event":"case","props":{"v":' + t + b"}}", good]
    rejects = os.path.join(TMP, "rejects")
    status, out, _ = run("cdp-filter", "-e", "has(event)", "--rejects", rejects, "-q",
                         stdin=b"\n".join(lines) + b"\n")
    passed_lines = out.split(b"\n")[:-1]
    bad_at = {}
    if os.path.exists(rejects):
        with open(rejects, "rb") as f:
            for line in f:
                r = json.loads(line)
                bad_at[int(r["reject"]["at"].rsplit(":", 1)[1])] = r["reject"]["reason"]
        os.unlink(rejects)
    verdicts, at = [], 0
    for i in range(len(texts)):
        if 2 * i + 1 in bad_at:
            verdicts.append((False, bad_at[2 * i + 1]))
        else:
            same = at < len(passed_lines) and passed_lines[at] == lines[2 * i]
            verdicts.append((same, "changed on the way"))
            at += 1
        if not (at < len(passed_lines) and passed_lines[at] == good):
            return None
        at += 1
    return verdicts if status in (0, 3) else None


def check_texts(label, cases):
    """cases: (name, bytes, 'accept'|'reject'|'either')"""
    verdicts = filter_texts([t for _, t, _ in cases])
    if verdicts is None:
        report(label, False, "a neighbouring line was touched, or the tool failed")
        return
    for (name, _, want), (ok, why) in zip(cases, verdicts):
        if want == "either":
            report("%s %s (%s)" % (label, name, "passes" if ok else "rejected"), True)
        else:
            report("%s %s" % (label, name), ok == (want == "accept"),
                   "rejected: " + why if want == "accept" else "accepted")


def check_json_texts():
    cases, tops = [], []
    for c in load("cases/json_texts/nst_parsing.json")["cases"]:
        if "input_b64" in c:
            text = base64.b64decode(c["input_b64"])
        elif "repeat" in c:
            text = base64.b64decode(c["repeat"]["unit"]) * c["repeat"]["times"]
        else:
            continue
        if b"\n" in text or b"\r" in text:
            continue  # not one line: what it would test is another record
        cases.append((c["name"], text, c["expect"]))
        tops.append((c, text))
    check_texts("json", cases)
    for c, text in tops:
        if c["expect"] == "accept" and not c.get("top_level_object"):
            status, out, err = run("cdp-filter", "-e", "true", "-q", stdin=text + b"\n")
            report("json top level %s is rejected" % c["name"],
                   (status, out) == (3, b"") or not text.strip())


def check_utf8():
    cases = []
    for c in load("cases/utf8/wellformed.json")["cases"]:
        raw = bytes.fromhex(c["hex"])
        if any(b < 0x20 or b in b'"\\' for b in raw):
            continue
        cases.append((c["hex"], b'"' + raw + b'"', "accept" if c["well_formed"] else "reject"))
    check_texts("utf8", cases)


def check_strings():
    cases = []
    for i, c in enumerate(load("cases/strings/blns.json")["cases"]):
        s = base64.b64decode(c["b64"]).decode("utf-8")
        cases.append(("string %d" % i, json.dumps(s, ensure_ascii=False).encode(), "accept"))
        cases.append(("string %d escaped" % i, json.dumps(s).encode(), "accept"))
    check_texts("blns", cases)


# --- times, CSV, identity ---

def check_times():
    for c in load("cases/time/rfc3339.json")["cases"]:
        if c["format"] != "date-time":
            continue
        event = {"event": "e", "time": c["text"], "ids": {"device": "d"}}
        status, out, err = run("cdp-collect", "-f", "native", "-q", stdin=lines_of([event]))
        report("time %r" % c["text"], (len(out) > 0) == c["valid"], err or "accepted")


def check_csv():
    for c in load("cases/csv/spectrum.json")["cases"]:
        if not isinstance(c["rows"], list):
            continue  # what a reader should refuse is in other cases
        names = list(c["rows"][0])
        # A constant id, because a case may have an empty first column.
        spec = {"type": "entity", "entity": "row", "fields": [{"to": "id", "value": "row"}]}
        for n in names:
            spec["fields"].append({"column": n, "to": "props." + n})
        path = os.path.join(TMP, "map.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(spec, f)
        if "delimiter" in c:
            spec["delimiter"] = c["delimiter"]
            with open(path, "w", encoding="utf-8") as f:
                json.dump(spec, f)
        status, out, err = run("cdp-collect", "-f", "csv", "--columns-map", path,
                               stdin=base64.b64decode(c["input_b64"]))
        got = [[r.get("props", {}).get(n, "") for n in names] for r in rows(out)]
        want = [[r[n] for n in names] for r in c["rows"]]
        report("csv " + c["name"], got == want, err or "%s, want %s" % (got, want))


def check_identity():
    truth = load("truth/identity.json")
    for data, spec in truth.items():
        path = os.path.join(DATA, "ndjson", "people_%s.ndjson" % data)
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as f:
            people = [json.loads(line) for line in f]
        for rule in spec["rules"]:
            check_identity_rule(data, people, rule)


def check_identity_rule(data, people, rule):
    kinds = ["rec"] + ["k%d" % i for i in range(len(rule["keys"]))]
    config = {"kinds": [{"name": k, "normalise": "none"} for k in kinds], "junk": False}
    conf = os.path.join(TMP, "ids.json")
    with open(conf, "w", encoding="utf-8") as f:
        json.dump(config, f)
    events = []
    for p in people:
        ids = {"rec": p["ids"]["rec_id"]}
        for i, key in enumerate(rule["keys"]):
            values = [p["props"].get(m) for m in key]
            if all(v not in (None, "") for v in values):
                ids["k%d" % i] = "\x1f".join(str(v) for v in values)
        events.append({"time": p["time"], "event": "profile", "ids": ids})
    state = tempfile.mkdtemp(dir=TMP)
    status, out, err = run("cdp-idmap", "--resolve", "--state", state, "-d", conf,
                           stdin=lines_of(events))
    clusters = {}
    for r in rows(out):
        clusters.setdefault(r.get("one_id"), set()).add(r["ids"]["rec"])
    sizes = {}
    for members in clusters.values():
        sizes[str(len(members))] = sizes.get(str(len(members)), 0) + 1
    report("identity %s: %s" % (data, rule["name"]), sizes == rule["size_histogram"],
           err or "%s, want %s" % (sizes, rule["size_histogram"]))


def check_counts():
    for c in load("truth/event_counts.json"):
        path = os.path.join(DATA, "ndjson", c["data"] + ".ndjson")
        status, out, err = run("cdp-filter", "--count-by", "event", path)
        got = {r["by"]: r["count"] for r in rows(out)}
        want = {k: v["events"] for k, v in c["by_event"].items()}
        report("count by event " + c["data"], got == want, err)


PARTS = [
    ("truth/funnels.json", "cdp-funnel", check_funnel_truth),
    ("truth/strict_funnels.json", "cdp-funnel", check_strict_truth),
    ("cases/json_texts/nst_parsing.json", "cdp-filter", check_json_texts),
    ("cases/utf8/wellformed.json", "cdp-filter", check_utf8),
    ("cases/strings/blns.json", "cdp-filter", check_strings),
    ("cases/time/rfc3339.json", "cdp-collect", check_times),
    ("cases/csv/spectrum.json", "cdp-collect", check_csv),
    ("truth/identity.json", "cdp-idmap", check_identity),
    ("truth/event_counts.json", "cdp-filter", check_counts),
]
for path, tool, check in PARTS:
    if have(path) and os.path.exists(os.path.join(BIN, tool)):
        check()
for folder in ("funnel", "windowfunnel"):
    for path in sorted(glob.glob(os.path.join(DATA, "cases", folder, "*.json"))):
        check_funnel_cases(os.path.relpath(path, DATA))
print("check-data: %d passed, %d failed" % (passed, failed))
sys.exit(1 if failed else 0)
