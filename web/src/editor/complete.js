// What is offered while one types: keys and values by the schema, paths of the chosen event, filters.

import { snippet } from "@codemirror/autocomplete";

import { el, shortened, told } from "./dom.js";
import { FILTERS } from "./filters.js";
import { asKey, pathsOf } from "./paths.js";
import { namesIn, placeAt, siblings, typesIn } from "./place.js";
import { about, inputsOf, keysAt, valuesAt } from "./schema.js";

/** How far back the beginning of a template is looked for. */
const TEMPLATE = 2000;
const WORD = /[\w.[\]"*-]*/;

/** The source of completion. `known` gives `{schema, event, trigger}` as they are at the moment. */
export function completions(known) {
  return (context) => inTemplate(context, known()) ?? inYaml(context, known());
}

/** The text of an open template before a position. Null outside of one. */
export function openTemplate(state, position) {
  const before = state.sliceDoc(Math.max(0, position - TEMPLATE), position);
  const open = Math.max(before.lastIndexOf("{{"), before.lastIndexOf("{%"));
  if (open < 0) return null;
  const inside = before.slice(open + 2);
  return /[}%]\}/.test(inside) ? null : inside;
}

function inTemplate(context, known) {
  const inside = openTemplate(context.state, context.pos);
  if (inside === null) return null;
  const filter = /\|\s*(\w*)$/.exec(inside);
  if (filter) {
    return { from: context.pos - filter[1].length, options: FILTERS, validFor: /^\w*$/ };
  }
  const word = /[A-Za-z_][\w.[\]"]*$/.exec(inside)?.[0] ?? "";
  if (!word && !context.explicit) return null;
  return { from: context.pos - word.length, options: names(context.state, known), validFor: /^[\w.[\]"]*$/ };
}

/** All that a template may name: the event, where it came from, vars, earlier steps. */
function names(state, known) {
  const { ids, vars } = namesIn(state.doc.toString());
  const event = pathsOf("event", known.event).map(({ path, value }) => pathOption(path, value, 2));
  const trigger = pathsOf("trigger", known.trigger).map(({ path, value }) => pathOption(path, value, 0));
  const parts = { result: "what it gave", outcome: "ok, failed, skipped or timed_out", error: "why it failed", response: "status and headers" };
  const steps = ids.flatMap((id) => Object.entries(parts).map(([part, detail]) => ({ label: `steps.${id}.${part}`, detail, type: "property" })));
  const roots = [
    ["event", "the payload, of the newest event"],
    ["events", "all payloads that the run is about"],
    ["trigger", "where the event came from"],
    ["vars", "values with names"],
    ["steps", "earlier steps with an id"],
    ["run.id", "this run"],
    ["run.started_at", "when it began"],
    ["rule.id", "this rule"],
    ["rule.name", "what people call it"],
    ["now", "when the event came; in a step, when it began"],
    ["error.message", "under on_error alone"],
  ].map(([label, detail]) => ({ label, detail, type: "variable", boost: 1 }));
  const own = vars.map((name) => ({ label: `vars.${name}`, detail: "of this rule", type: "variable", boost: 1 }));
  return unique([...roots, ...own, ...event, ...steps, ...trigger]);
}

function pathOption(path, value, boost) {
  const detail = value && typeof value === "object" ? (Array.isArray(value) ? "list" : "object") : shortened(told(value), 32);
  return { label: path, detail, type: "property", boost };
}

function unique(options) {
  return [...new Map(options.map((option) => [option.label, option])).values()];
}

function inYaml(context, known) {
  const place = placeAt(context.state, context.pos);
  if (place.isText || place.isComment || !known.schema) return null;
  const word = context.matchBefore(WORD)?.text ?? "";
  if (!word && !context.explicit) return null;
  const from = Math.max(place.from, context.pos - word.length);
  const keys = place.isValue ? [] : keyOptions(context, place, known);
  const values = place.path.length ? valueOptions(place, known) : [];
  const options = [...keys, ...values];
  return options.length ? { from, options, validFor: /^[\w.[\]"*-]*$/ } : null;
}

function keyOptions(context, place, known) {
  const taken = siblings(context.state, context.pos);
  const all = keysAt(known.schema, place.path);
  const isCondition = all.some((key) => key.name === "any") && all.some((key) => key.name === "not");
  const heard = isCondition ? typesIn(context.state.doc.toString()) : [];
  const fits = (key) => !key.name.startsWith("event.") || !heard.length || heard.some((kind) => describes(key, kind));
  const offered = all.filter((key) => !taken.has(key.name) && fits(key)).map((key) => keyOption(key, place, known.schema));
  if (!isCondition) return offered;
  const apply = (path) => (view, _option, from, to) => put(view, `${asKey(path)}: `, from, to);
  const seen = [...pathsOf("event", known.event), ...pathsOf("trigger", known.trigger)]
    .filter(({ path }) => !taken.has(path))
    .map(({ path, value }) => ({ ...pathOption(path, value, path.startsWith("event") ? 3 : 0), apply: apply(path) }));
  return unique([...offered, ...seen]);
}

/** Whether a key of a condition is of an event type. */
function describes(key, kind) {
  return (key.schema?.description ?? "").split(/[,.\s]*(?:, |\. |\.$)/).includes(kind);
}

function keyOption(key, place, schema) {
  const isAction = key.name.includes(".") && !key.name.startsWith("event.");
  return {
    label: key.name,
    type: isAction ? "function" : "keyword",
    detail: key.isWanted ? "required" : "",
    boost: (key.isWanted ? 2 : 0) - (key.name.includes(".") ? 1 : 0),
    info: () => keyInfo(key, schema),
    apply: (view, _option, from, to) => applyKey(view, key, place, schema, from, to),
  };
}

/** What is said of a key: its description, what it takes, its inputs. */
export function keyInfo(key, schema) {
  const { title, description, types, standard } = about(schema, key.schema);
  const inputs = keysOf(schema, key.schema);
  const facts = [types.join(" or "), standard === undefined ? "" : `${told(standard)} unless given`].filter(Boolean).join("; ");
  return el(
    "div",
    { class: "ed-info" },
    el("strong", {}, title || key.name),
    description ? el("p", {}, description) : null,
    facts ? el("p", { class: "ed-facts" }, facts) : null,
    inputs.length ? el("p", { class: "ed-facts" }, `Takes ${inputs.map((one) => (one.isWanted ? `${one.name} (required)` : one.name)).join(", ")}`) : null,
  );
}

function keysOf(schema, one) {
  return keysAt({ ...one, definitions: schema.definitions, $defs: schema.$defs }, []).slice(0, 24);
}

/** Puts a key with its colon; a map with the inputs that it must have, a list with its first dash. */
function applyKey(view, key, place, schema, from, to) {
  const line = view.state.doc.lineAt(from);
  if (/^[ \t]*:/.test(view.state.sliceDoc(to, line.to))) return put(view, asKey(key.name), from, to);
  if (place.isFlow) return put(view, `${asKey(key.name)}: `, from, to);
  const lead = line.text.length - line.text.trimStart().length;
  const inner = `\n${" ".repeat(from - line.from - lead + 2)}`;
  const inputs = inputsOf(schema, key.schema);
  if (inputs) {
    const lines = inputs.length ? inputs.map((name) => `${inner}${name}: \${}`) : [`${inner}\${}`];
    return snippet(`${asKey(key.name)}:${lines.join("")}`)(view, null, from, to);
  }
  const { types } = about(schema, key.schema);
  if (types.length === 1 && types[0] === "array") return snippet(`${asKey(key.name)}:${inner}- \${}`)(view, null, from, to);
  return put(view, `${asKey(key.name)}: `, from, to);
}

function put(view, text, from, to) {
  view.dispatch({
    changes: { from, to, insert: text },
    selection: { anchor: from + text.length },
    userEvent: "input.complete",
    scrollIntoView: true,
  });
}

function valueOptions(place, known) {
  return valuesAt(known.schema, place.path).map(({ value, description }) => ({
    label: typeof value === "string" ? value : JSON.stringify(value),
    type: "enum",
    // A whole service is a rarer wish than one of its types.
    boost: typeof value === "string" && value.includes("*") ? -1 : 1,
    info: description,
  }));
}
