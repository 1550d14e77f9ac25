"""The script of a `poll` step; its data are the request."""

from typing import Final

POLL: Final = """\
const { url, method, headers, body, interval, until, output: name, step } = inputs();
// A value past the limit would fail the step although the wait was over.
const LIMIT = 60 * 1024;
const PATIENCE = 30_000;

const at = (value, path) =>
  path.split(".").filter((part) => part !== "").reduce((inner, part) => inner?.[part], value);
const same = (a, b) => {
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return a === b;
  const keys = Object.keys(a);
  return Array.isArray(a) === Array.isArray(b) && keys.length === Object.keys(b).length &&
    keys.every((key) => key in b && same(a[key], b[key]));
};
const includes = (found, wanted) =>
  Array.isArray(found) ? found.some((item) => same(item, wanted)) : String(found ?? "").includes(String(wanted));

function isDone(status, text, value) {
  const tests = Object.keys(until).length;
  if (tests === 0) return status >= 200 && status < 300;
  if ("status" in until && status !== until.status) return false;
  const found = "field" in until ? at(value, until.field) : value;
  if ("equals" in until) return same(found, until.equals) || !("field" in until) && text === until.equals;
  if ("contains" in until) return includes("field" in until ? found : text, until.contains);
  return true;
}

function pairsOf(value) {
  if (name) return [[name, value]];
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  return isObject ? Object.entries(value) : [[step, value]];
}

function putOut(value) {
  for (const [key, item] of pairsOf(value)) {
    if ((JSON.stringify(item) ?? "null").length > LIMIT) log(`${key} is too long to be put out`);
    else output(key, item);
  }
}

async function ask() {
  const sent = body === null || body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(url, { method, headers, body: sent, signal: AbortSignal.timeout(PATIENCE) });
  const text = await answer.text();
  let value = text;
  try {
    value = JSON.parse(text);
  } catch { /* it is text */ }
  log(`${method} ${url}: ${answer.status}`);
  if (!isDone(answer.status, text, value)) return false;
  putOut(value);
  return true;
}

for (;;) {
  try {
    if (await ask()) break;
  } catch (error) {
    // A host that is away may come back; one that may not be spoken to will not.
    if (error instanceof Deno.errors.NotCapable) throw error;
    log(`${method} ${url}: ${error.message}`);
  }
  await new Promise((resume) => setTimeout(resume, interval));
}
"""
