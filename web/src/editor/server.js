// What the server is asked, and how it refuses.

/** An answer that is none: what the server said against it, or that it did not answer. */
export class Refusal extends Error {
  constructor(status, code, message, details) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details ?? {};
  }
}

const SIGNED_OUT =
  "You are signed out. Your text is kept in this browser: sign in again in another tab, then load this page and restore it.";

/** The token against forgery that the page was sent with. */
function token() {
  const given = document.querySelector("[data-csrf]")?.dataset.csrf;
  if (given) return given;
  try {
    return JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRF"] ?? "";
  } catch {
    return "";
  }
}

async function refusal(response) {
  const sent = await response.json().catch(() => ({}));
  const { code, message, details } = sent.error ?? {};
  if (response.status === 401) return new Refusal(401, "signed_out", SIGNED_OUT);
  return new Refusal(response.status, code ?? "refused", message ?? `The server answered ${response.status}.`, details);
}

async function ask(address, options = {}) {
  let response;
  try {
    response = await fetch(address, { redirect: "manual", credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "unreachable", "The server does not answer. Your text is kept in this browser.");
  }
  if (response.type === "opaqueredirect") throw new Refusal(401, "signed_out", SIGNED_OUT);
  if (!response.ok) throw await refusal(response);
  return response.json();
}

function get(address, named = {}) {
  const query = new URLSearchParams(Object.entries(named).filter(([, value]) => value));
  const whole = query.size ? `${address}?${query}` : address;
  return ask(whole, { headers: { Accept: "application/json" } });
}

function post(address, body, signal) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRF": token() };
  return ask(address, { method: "POST", headers, body: JSON.stringify(body), signal });
}

/** The text of a file with its digest; of a new one, what `from` names. */
export const text = (path, from) => get("/rules/text", { path, from });
/** The JSON Schema of rules. */
export const schema = () => get("/rules/schema.json");
/** Stored events and samples that a rule can be looked at with. */
export const samples = (path) => get("/rules/samples", { path });
/** What rules see of one event or sample. */
export const seen = (event, sample) => get("/rules/edit/event", { event, sample });
/** Findings, verdicts, requests and tests of a text that is not saved. */
export const draft = (body, signal) => post("/rules/draft", body, signal);
/** The text against the file. */
export const diff = (path, written) => post("/rules/diff", { path, text: written });
/** Writes the file. */
export const save = (body) => post("/rules/save", body);
