// src/main.ts
import { spawn } from "node:child_process";
import path from "node:path";

// ../../adapters/playwright/src/acquire.ts
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

// ../../adapters/playwright/src/holders.ts
var most = 3;
function holders({ held_by: heldBy = [], all_quarantined: quarantined = [] }, { notes = false } = {}) {
  const said = heldBy.slice(0, most).map(({ login, owner, expires_at: until, note }) => {
    const end = until ? ` until ${clock(new Date(until))}` : "";
    return `${login} is held by ${owner || "a caller without a name"}${end}${notes && note ? ` (${note})` : ""}`;
  });
  if (heldBy.length > most) said.push(`and ${heldBy.length - most} more`);
  if (quarantined.length > 0) said.push("too many users that match are in quarantine: restore one, or add users");
  return said;
}
function clock(time) {
  return time.toTimeString().slice(0, 8);
}

// ../../adapters/playwright/src/problem.ts
var FarmError = class extends Error {
  constructor(operation, text, problem, retryAfter = 0) {
    super(`userfarm: ${operation}: ${text}`);
    this.problem = problem;
    this.retryAfter = retryAfter;
    this.stack = `${this.name}: ${this.message}`;
  }
  problem;
  retryAfter;
  name = "FarmError";
  get code() {
    return this.problem?.code;
  }
  /** Whether the accounts exist, so that waiting may help. */
  get mayPass() {
    return this.code === "pool_exhausted" || this.code === "user_locked" || this.code === "user_quarantined";
  }
};
function textOf(problem) {
  switch (problem.code) {
    case "pool_exhausted":
    case "user_locked":
    case "user_quarantined":
      return listOf(
        problem,
        [...holders(problem, { notes: true }), ...problem.waiting ? [`waiting in line: ${problem.waiting}`] : []],
        "wait longer (wait), or see who has the users: userfarm who"
      );
    case "no_match":
      return listOf(problem, problem.detail.split(/ For \/users\/\d+: /).slice(1), "userfarm users list shows which users there are");
    case "unauthorized":
      return `${problem.detail} Put an API key into USERFARM_API_KEY, or keep it in a profile.`;
    case "invalid":
    case "forbidden":
      return [problem.detail, ...problem.errors.map(({ pointer, detail }) => `${pointer} ${detail}`)].join(" ");
    default:
      return problem.detail;
  }
}
function listOf({ title }, parts, advice) {
  const first = title.charAt(0).toLowerCase() + title.slice(1) + (parts.length > 0 ? ":" : "");
  return [first, ...parts.map((part) => `  ${part}`), advice].join("\n");
}

// ../../adapters/playwright/src/lease.ts
function isOver(error) {
  return error instanceof FarmError && (error.code === "lease_expired" || error.code === "lease_not_found");
}

// ../../adapters/playwright/src/want.ts
function overlap(a, b) {
  const differ = (x, y) => x !== void 0 && y !== void 0 && x !== y;
  return !differ(a.project_id, b.project_id) && !differ(a.env, b.env) && !differ(a.domain, b.domain) && !differ(a.user_id, b.user_id) && !Object.entries(a.labels ?? {}).some(([key, value]) => differ(value, b.labels?.[key]));
}

// ../../adapters/playwright/src/waiting.ts
var lookEvery = 1e3;
var Waiting = class {
  #since = /* @__PURE__ */ new Date();
  #farm;
  #request;
  #say;
  #problem;
  #look;
  #told = false;
  constructor(farm2, request, say) {
    this.#farm = farm2;
    this.#request = request;
    this.#say = say;
  }
  /** Keeps who has the accounts now. */
  refused(problem) {
    this.#problem = problem;
    this.#look ??= setInterval(() => void this.#tell(), lookEvery).unref();
  }
  end() {
    clearInterval(this.#look);
    if (this.#told) this.#say(`waited ${Math.round((Date.now() - this.#since.getTime()) / 1e3)} s in line${this.#holders()}`);
    this.#problem = void 0;
  }
  async #tell() {
    const place = await this.#place();
    if (!this.#problem) return;
    const at = place > 0 ? `, place ${place} in line` : "";
    this.#told = true;
    this.#say(`waiting since ${clock(this.#since)}${at}${this.#holders()}`);
  }
  #holders() {
    const said = this.#problem ? holders(this.#problem) : [];
    return said.length > 0 ? `: ${said.join(", ")}` : "";
  }
  /** The place among the acquires that could get the same accounts; 0 if it is not known. */
  async #place() {
    const line = await this.#farm.line().catch(() => ({ waiters: [] }));
    let place = 1;
    for (const { owner, note, users } of line.waiters) {
      if (owner === this.#request.owner && note === this.#request.note) return place;
      if (users.some((other) => this.#request.users.some((mine) => overlap(other, mine)))) place++;
    }
    return 0;
  }
};

// ../../adapters/playwright/src/acquire.ts
var askFor = 5;
var spare = 30;
async function acquire(farm2, request, wait, ended, say) {
  let key = randomUUID();
  const deadline = performance.now() + wait * 1e3;
  const tooLong = AbortSignal.timeout(Math.ceil((wait + spare) * 1e3));
  const waiting = new Waiting(farm2, request, say);
  try {
    for (let seconds2 = 0; ; ) {
      const asked = performance.now();
      try {
        return await fresh(farm2, await farm2.acquire({ ...request, wait_seconds: seconds2 }, key, tooLong), request.ttl_seconds, asked);
      } catch (error) {
        if (isOver(error) && !tooLong.aborted) {
          key = randomUUID();
          continue;
        }
        if (!(error instanceof FarmError) || !error.mayPass || ended.aborted || performance.now() >= deadline) throw error;
        waiting.refused(error.problem);
        if (seconds2 > 0 && performance.now() - asked < (seconds2 - 1) * 1e3) await sleep(Math.max(error.retryAfter, 1) * 1e3);
        seconds2 = Math.min(Math.max(Math.ceil((deadline - performance.now()) / 1e3), 1), askFor);
      }
    }
  } finally {
    waiting.end();
  }
}
async function fresh(farm2, lease, ttl, asked) {
  const now = performance.now();
  if (now - asked < ttl * 1e3 / 3) return { lease, since: asked };
  await farm2.renew(lease.lease_id, ttl, AbortSignal.timeout(ttl * 1e3));
  return { lease, since: now };
}

// ../../adapters/playwright/src/project.ts
var id = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
async function selectorsOf(want, { project, env }, farm2) {
  const ids = /* @__PURE__ */ new Map();
  for (const name of new Set(want.map((selector) => selector.project ?? project))) {
    if (name) ids.set(name, id.test(name) ? name : await find(name, farm2));
  }
  return want.map(({ project: name = project, ...selector }) => ({
    ...env && { env },
    ...selector,
    ...name && { project_id: ids.get(name) }
  }));
}
async function find(name, farm2) {
  const { projects } = await farm2.projectNames();
  const found = projects.find((project) => keyOf(project.name) === keyOf(name));
  if (!found) throw new Error(`userfarm: there is no project "${name}"; userfarm projects shows which projects there are`);
  return found.project_id;
}
function keyOf(name) {
  return name.normalize("NFD").toUpperCase().toLowerCase().normalize("NFC");
}

// src/commands.ts
import { randomUUID as randomUUID2 } from "node:crypto";
import { appendFileSync } from "node:fs";
function mask(secret) {
  process.stdout.write(`::add-mask::${escape(secret)}
`);
}
function fail(error) {
  process.stdout.write(`::error title=userfarm::${escape(error.message)}
`);
  process.exitCode = 1;
}
function tell(file, name, value) {
  const end = randomUUID2();
  appendFileSync(process.env[file], `${name}<<${end}
${value}
${end}
`);
}
function escape(text) {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

// ../../adapters/playwright/src/farm.ts
import { setTimeout as sleep2 } from "node:timers/promises";
var retryFor = 3e4;
var firstPause = 100;
var longestPause = 5e3;
var answerTimeout = 3e4;
var Farm = class {
  #settings;
  constructor(settings2) {
    this.#settings = settings2;
  }
  /** Asks once for a lease. A call with the same key keeps its place in line. */
  acquire(request, key, signal) {
    const headers = { "Idempotency-Key": key };
    return this.#call({ operation: "acquire", method: "POST", path: "/leases", body: request, headers, wait: request.wait_seconds ?? 0, signal });
  }
  renew(lease, ttl, signal) {
    return this.#call({ operation: "renew", method: "POST", path: `/leases/${lease}/renew`, body: { ttl_seconds: ttl }, retryFor: 0, signal });
  }
  async release(lease, quarantine) {
    await this.#call({ operation: "release", method: "POST", path: `/leases/${lease}/release`, body: { quarantine } });
  }
  giveCode(lease, user, request) {
    const path2 = `/leases/${lease}/users/${user}/otp`;
    return this.#call({ operation: "get a one-time code", method: "POST", path: path2, body: request, wait: request.wait_seconds ?? 0 });
  }
  session(lease, user) {
    return this.#call({ operation: "read session", method: "GET", path: `/leases/${lease}/users/${user}/session` });
  }
  async saveSession(lease, user, session) {
    await this.#call({ operation: "save session", method: "PUT", path: `/leases/${lease}/users/${user}/session`, body: { session } });
  }
  async dropSession(lease, user) {
    await this.#call({ operation: "drop session", method: "DELETE", path: `/leases/${lease}/users/${user}/session` });
  }
  line() {
    return this.#call({ operation: "read line", method: "GET", path: "/line?limit=1000", retryFor: 0 });
  }
  projectNames() {
    return this.#call({ operation: "list the names of projects", method: "GET", path: "/projects/names" });
  }
  async #call(call) {
    const giveUp = performance.now() + (call.retryFor ?? retryFor);
    let doubtful = false;
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      const attempt = await this.#attempt(call);
      if ("value" in attempt) return attempt.value;
      if (doubtful && call.operation === "release" && wasReleased(attempt.error)) return void 0;
      doubtful ||= attempt.doubt;
      const wait = Math.max(pause * (0.5 + Math.random()), attempt.error.retryAfter * 1e3);
      if (!attempt.retry || call.signal?.aborted || performance.now() + wait > giveUp) throw attempt.error;
      await sleep2(wait, void 0, { signal: call.signal }).catch(() => void 0);
    }
  }
  async #attempt({ operation, method, path: path2, body, headers, wait = 0, signal }) {
    const silent = AbortSignal.timeout(answerTimeout + wait * 1e3);
    let answer;
    let text;
    try {
      answer = await fetch(`${this.#settings.url}/v1${path2}`, {
        method,
        headers: {
          ...headers,
          ...body !== void 0 && { "Content-Type": "application/json" },
          ...this.#settings.apiKey && { Authorization: `Bearer ${this.#settings.apiKey}` }
        },
        ...body !== void 0 && { body: JSON.stringify(body) },
        signal: signal ? AbortSignal.any([silent, signal]) : silent
      });
      text = await answer.text();
    } catch (error) {
      const reason = silent.aborted ? "no answer in time" : reasonOf(error);
      const advice = `is ${this.#settings.url} the right address? USERFARM_URL names another one; userfarm serve starts a farm`;
      return { error: new FarmError(operation, `the farm does not answer: ${reason}; ${advice}`), retry: true, doubt: true };
    }
    if (answer.ok && (answer.status === 204 || isJSON(answer))) return { value: text ? JSON.parse(text) : void 0 };
    return refusal(operation, answer, text);
  }
};
function reasonOf(error) {
  const cause = error.cause ?? error;
  const { code, message } = cause;
  return message || code || String(cause);
}
function isJSON(answer) {
  return answer.headers.get("Content-Type")?.startsWith("application/json") ?? false;
}
function refusal(operation, answer, text) {
  const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  if (answer.headers.get("Content-Type")?.startsWith("application/problem+json")) {
    const problem = JSON.parse(text);
    const doubt2 = ["store_unavailable", "shutting_down"].includes(problem.code);
    const retry = doubt2 || ["request_timeout", "rate_limited", "too_many_connections"].includes(problem.code);
    return { error: new FarmError(operation, textOf(problem), problem, retryAfter), retry, doubt: doubt2 };
  }
  const doubt = [502, 503, 504].includes(answer.status);
  const said = `the answer has the HTTP status ${answer.status}, and is not that of a farm`;
  return { error: new FarmError(operation, said, void 0, retryAfter), retry: doubt || answer.status === 429, doubt };
}
function wasReleased({ problem }) {
  return problem?.code === "lease_expired" && problem.ended === "released" && (problem.quarantine ?? []).every(({ kept }) => kept);
}

// src/inputs.ts
function input(name) {
  return (process.env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
}
function seconds(name) {
  const match = /^(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/.exec(input(name));
  if (!match) throw new Error(`${name} must be seconds, or a time such as 90s, 5m or 1h30m`);
  const [, hours, minutes, rest] = match.map((part) => Number(part ?? 0));
  return hours * 3600 + minutes * 60 + rest;
}
function settings() {
  const url = input("url").replace(/\/+$/, "");
  if (!/^https?:\/\/./.test(url)) throw new Error("url must be like https://farm.example.com");
  return { url, apiKey: input("api-key") || void 0 };
}
function farm() {
  return new Farm(settings());
}
function wanted() {
  const [project, env, domain] = [input("project"), input("env"), input("domain")];
  const labels = labelsIn(input("labels").split("\n"));
  const common = { ...project && { project }, ...env && { env }, ...domain && { domain } };
  const users = input("users").split("\n").map((line) => line.trim()).filter(Boolean);
  if (users.length === 0) return { prefixes: [""], selectors: [{ ...common, labels }] };
  const named = users.map((line) => /^([A-Za-z][A-Za-z0-9_]*)(?:=(.*))?$/.exec(line));
  if (named.some((match) => !match)) throw new Error("users must be NAME or NAME=KEY=VALUE,\u2026, one a line");
  return {
    prefixes: named.map((match) => `${match[1]}_`),
    selectors: named.map((match) => ({ ...common, labels: { ...labels, ...labelsIn((match[2] ?? "").split(",")) } }))
  };
}
function labelsIn(texts) {
  return Object.fromEntries(texts.map((text) => text.trim()).filter(Boolean).map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new Error("labels must be KEY=VALUE");
    return [text.slice(0, at), text.slice(at + 1)];
  }));
}

// src/main.ts
var { GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run, GITHUB_JOB: job, GITHUB_WORKFLOW: workflow } = process.env;
async function main() {
  const key = input("api-key");
  if (key) mask(key);
  const { prefixes, selectors } = wanted();
  const ttl = Math.max(seconds("ttl"), 1);
  const request = {
    users: await selectorsOf(selectors, settings(), farm()),
    owner: input("owner") || `${repository}/${run}/${job}`,
    note: workflow ?? "",
    ttl_seconds: ttl
  };
  const say = (line) => process.stdout.write(`userfarm: ${line}
`);
  const { lease } = await acquire(farm(), request, seconds("wait"), new AbortController().signal, say);
  mask(lease.lease_id);
  tell("GITHUB_STATE", "lease", lease.lease_id);
  tell("GITHUB_ENV", "USERFARM_URL", settings().url);
  const values = lease.users.flatMap(({ login, password, user_id: id2, fence }, i) => {
    mask(password);
    say(`${login}, fence ${fence}`);
    const of = prefixes[i];
    return [[`${of}login`, login], [`${of}password`, password], [`${of}user_id`, id2], [`${of}fence`, String(fence)]];
  });
  for (const [name, value] of [...values, ["lease_id", lease.lease_id]]) {
    tell("GITHUB_OUTPUT", name, value);
    tell("GITHUB_ENV", `USERFARM_${name.toUpperCase()}`, value);
  }
  renew(lease.lease_id, ttl);
}
function renew(lease, ttl) {
  const environment = { ...process.env, USERFARM_RENEW: JSON.stringify({ lease, ttl, runner: process.ppid }) };
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "renew.js")], { detached: true, stdio: "ignore", env: environment });
  child.unref();
  tell("GITHUB_STATE", "renewer", String(child.pid));
}
main().catch(fail);
