// Checks answers of a real farm with a strict JSON Schema validator, against openapi.yaml.
// Usage: node answers.js URL, of an empty farm without API keys.
import { readFileSync } from "node:fs";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { parse } from "yaml";

const spec = parse(readFileSync("../../adapters/http/openapi.yaml", "utf8"));
const ajv = new Ajv({ allErrors: true, strictSchema: false, validateFormats: true });
addFormats(ajv);
ajv.addFormat("uint64", true);
ajv.addSchema(spec, "openapi.yaml");
const farm = process.argv[2];

// call sends a request, and returns its answer if that is as described.
async function call(method, route, body, ...ids) {
  const path = ids.reduce((path, id) => path.replace(/\{\w+\}/, id), route);
  const request = body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(farm + path, { method, ...request });
  const described = spec.paths[route][method.toLowerCase()].responses[answer.status];
  if (!described) throw new Error(`${method} ${path} = ${answer.status}: ${await answer.text()}`);
  if (answer.status === 204) return null;
  const at = described.$ref ?? `#/paths/${[route, method.toLowerCase(), "responses", answer.status].map(escape).join("/")}`;
  const value = await answer.json();
  const type = answer.headers.get("Content-Type").split(";")[0];
  const valid = ajv.getSchema(`openapi.yaml${at}/content/${escape(type)}/schema`);
  if (!valid(value)) throw new Error(`${method} ${path}: ${JSON.stringify(valid.errors)}\n${JSON.stringify(value)}`);
  return value;
}

const escape = part => encodeURIComponent(String(part).replaceAll("~", "~0").replaceAll("/", "~1"));

const pool = { project_id: "5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39", env: "stage", domain: "regular" };
const user = await call("POST", "/v1/users", { login: "ann", password: "hunter2", ...pool });
if (user.lock !== null || user.quarantine !== null) throw new Error("a new user is not free");
const lease = await call("POST", "/v1/leases", { users: [{}] });
const held = await call("GET", "/v1/users/{user_id}", null, user.user_id);
if (held.lock === null) throw new Error("a user of a lease is free");
await call("POST", "/v1/leases", { users: [{}] });
await call("POST", "/v1/leases/{lease_id}/renew", null, lease.lease_id);
await call("POST", "/v1/leases/{lease_id}/release", null, lease.lease_id);
const over = await call("POST", "/v1/leases/{lease_id}/release", { quarantine: [{ user_id: user.user_id, reason: "dirty" }] }, lease.lease_id);
if (over.ended !== "released" || !over.quarantine[0].kept) throw new Error("a late report of a user is lost");
await call("POST", "/v1/users/{user_id}/quarantine", { reason: "blocked" }, user.user_id);
await call("PATCH", "/v1/users/{user_id}", { labels: { role: "admin" } }, user.user_id);
await call("GET", "/v1/users");
await call("POST", "/v1/users/{user_id}/restore", null, user.user_id);
await call("POST", "/acquire_lock", { user_id: user.user_id });
const open = await call("GET", "/v1/users/{user_id}", null, user.user_id);
if (open.lock.expires_at !== null) throw new Error("an open lock expires");
await call("POST", "/acquire_lock", { user_id: user.user_id });
await call("PUT", "/v1/projects/{project_id}", { name: "Shop" }, pool.project_id);
const lists = ["/v1/pools", "/v1/projects", "/v1/projects/names", "/v1/line", "/v1/events", "/v1/keys", "/get_users", "/ping", "/healthz", "/readyz"];
for (const route of lists) await call("GET", route);
await call("POST", "/v1/keys", { name: "admin", role: "admin" });
console.log("all answers are as openapi.yaml describes them");
