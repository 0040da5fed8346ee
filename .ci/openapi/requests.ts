// Requests as a client writes them in TypeScript: whatever has a default is left out. It must compile.
import type { components } from "./generated/openapi.js";

type Schemas = components["schemas"];

export const acquire: Schemas["AcquireRequest"] = { users: [{}] };
export const renew: Schemas["RenewRequest"] = {};
export const release: Schemas["ReleaseRequest"] = {};
export const code: Schemas["CodeRequest"] = {};
export const reason: Schemas["ReasonRequest"] = {};
export const quarantine: Schemas["QuarantineRequest"] = { reason: "blocked" };
export const change: Schemas["UserChange"] = {};
export const key: Schemas["NewKey"] = { name: "ci", role: "tester" };
export const user: Schemas["NewUser"] = {
  login: "ann",
  password: "hunter2",
  project_id: "5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39",
  env: "stage",
  domain: "regular",
};

// What a client may rely on in an answer.
export const holder = (user: Schemas["User"]): string => user.lock?.owner ?? "nobody";
