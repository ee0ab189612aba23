// The pane's dry run: the requests that a run on the chosen event would send. None was sent.

import { el, fill, mark, told } from "./dom.js";

/** What is said of a run that ended so. */
const OUTCOMES = {
  ok: ["good", "A run would end well."],
  failed: ["bad", "A run would fail."],
  held: ["warn", "A run would be held until a person decides."],
  waiting: ["none", "A run would wait here."],
  unmatched: ["none", "No run would start: the rule does not match this event."],
  broken: ["warn", "It cannot be told further: a step has no reply to go on with."],
};

/** Shows what would be sent and changed. */
export function showRequests(panel, dry) {
  const notice = el("p", { class: "ed-dry" }, el("strong", {}, "Nothing was sent. "), "This is what a run on the chosen event would do.");
  if (!dry) return fill(panel, notice, el("p", { class: "ed-none-yet" }, "Choose an event to see the requests."));
  const [kind, sentence] = OUTCOMES[dry.outcome] ?? ["none", `A run would end as ${dry.outcome}.`];
  const exchanges = dry.exchanges ?? [];
  fill(
    panel,
    notice,
    el("p", { class: "ed-verdict" }, mark(kind, sentence), dry.message ? ` ${dry.message}` : null),
    (dry.notes ?? []).map((note) => el("p", { class: "ed-warn" }, note)),
    exchanges.map((exchange, at) => shown(exchange, at === 0)),
    exchanges.length ? null : el("p", { class: "ed-none-yet" }, "No request."),
    effects(dry.effects),
  );
  return undefined;
}

function shown(exchange, isFirst) {
  const title = exchange.method ? `${exchange.method} ${exchange.url}` : exchange.action;
  const refused = exchange.refused;
  return el(
    "details",
    { class: "ed-exchange", open: isFirst },
    el("summary", {}, refused ? mark("bad", "refused") : null, refused ? " " : null, el("code", {}, title), el("span", { class: "ed-quiet" }, ` ${exchange.action}`)),
    refused ? el("p", { class: "ed-bad" }, reason(refused)) : null,
    facts(exchange),
    headers(exchange.headers),
    exchange.body ? el("pre", { class: "code", tabindex: "0", "aria-label": "Body" }, pretty(exchange.body)) : null,
  );
}

function reason(refused) {
  return typeof refused === "string" ? refused : (refused.message ?? told(refused));
}

function facts(exchange) {
  const reply = { given: "a reply that was given", sample: "the pack's sample", empty: "200 and {}", refused: "none, it would not be sent" };
  const said = typeof exchange.reply === "string" ? (reply[exchange.reply] ?? exchange.reply) : exchange.reply ? told(exchange.reply) : "";
  const status = exchange.status ? `${exchange.status}` : "";
  const words = [`Step ${exchange.step}`, said ? `goes on with ${said}` : "", status ? `status ${status}` : ""].filter(Boolean).join("; ");
  return el("p", { class: "ed-quiet" }, words);
}

function headers(given) {
  const pairs = Array.isArray(given) ? given.map((pair) => (Array.isArray(pair) ? pair : [pair.name, pair.value])) : Object.entries(given ?? {});
  if (!pairs.length) return null;
  return el("dl", { class: "ed-headers" }, pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))]));
}

function pretty(body) {
  if (typeof body !== "string") return JSON.stringify(body, null, 2);
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

function effects(given) {
  if (!given?.length) return null;
  const rows = given.map((effect) => {
    const [name, inputs] = Array.isArray(effect) ? effect : [effect.action ?? effect.name, effect.inputs ?? effect];
    return el("li", {}, el("code", {}, name), el("pre", { class: "code", tabindex: "0", "aria-label": `What ${name} would get` }, pretty(inputs)));
  });
  return [el("h2", {}, "It would change here"), el("ul", { class: "ed-rows" }, rows)];
}

/** What the tab says: how many requests. */
export function requestsTold(dry) {
  return dry?.exchanges?.length ? String(dry.exchanges.length) : "";
}
