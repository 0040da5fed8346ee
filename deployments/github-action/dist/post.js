// src/commands.ts
function fail(error) {
  process.stdout.write(`::error title=userfarm::${escape(error.message)}
`);
  process.exitCode = 1;
}
function state(name) {
  return process.env[`STATE_${name}`];
}
function escape(text) {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

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
var LeaseLostError = class extends Error {
  name = "LeaseLostError";
  constructor(cause) {
    const reason = cause.message.replace(/^userfarm: /, "");
    super(`userfarm: the lease is lost, so another test may have used the account: ${reason}`);
    this.stack = `${this.name}: ${this.message}`;
  }
};
function isOver(error) {
  return error instanceof FarmError && (error.code === "lease_expired" || error.code === "lease_not_found");
}

// ../../adapters/playwright/src/farm.ts
import { setTimeout as sleep } from "node:timers/promises";
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
    const path = `/leases/${lease}/users/${user}/otp`;
    return this.#call({ operation: "get a one-time code", method: "POST", path, body: request, wait: request.wait_seconds ?? 0 });
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
      await sleep(wait, void 0, { signal: call.signal }).catch(() => void 0);
    }
  }
  async #attempt({ operation, method, path, body, headers, wait = 0, signal }) {
    const silent = AbortSignal.timeout(answerTimeout + wait * 1e3);
    let answer;
    let text;
    try {
      answer = await fetch(`${this.#settings.url}/v1${path}`, {
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
function settings() {
  const url = input("url").replace(/\/+$/, "");
  if (!/^https?:\/\/./.test(url)) throw new Error("url must be like https://farm.example.com");
  return { url, apiKey: input("api-key") || void 0 };
}
function farm() {
  return new Farm(settings());
}

// src/post.ts
async function post() {
  const lease = state("lease");
  if (!lease) return;
  try {
    process.kill(Number(state("renewer")));
  } catch {
  }
  await farm().release(lease, []).catch((error) => {
    throw isOver(error) ? new LeaseLostError(error) : error;
  });
}
post().catch(fail);
