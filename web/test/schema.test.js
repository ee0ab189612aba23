// What the schema of rules says of a place, and paths and lines.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { changedLines } from "../src/editor/lines.js";
import { asKey, joined, lookUp, pathsOf } from "../src/editor/paths.js";
import { about, inputsOf, keysAt, valuesAt } from "../src/editor/schema.js";

const SCHEMA = JSON.parse(readFileSync(new URL("../../templates/.schema/rule.json", import.meta.url), "utf8"));
const names = (path) => keysAt(SCHEMA, path).map((key) => key.name);

test("the keys of a rule, of a step and of an action are known", () => {
  assert.ok(["name", "on", "when", "do", "tests"].every((name) => names([]).includes(name)));
  assert.ok(names(["do", 0]).includes("groove.add_note"));
  assert.deepEqual(names(["do", 0, "groove.add_note"]).slice(0, 2), ["ticket", "body"]);
  assert.ok(names(["do", 0, "then", 0, "else", 0]).includes("http"));
});

test("the inputs that an action must have are known", () => {
  const action = keysAt(SCHEMA, ["do", 0]).find((key) => key.name === "groove.add_note");
  assert.deepEqual(inputsOf(SCHEMA, action.schema), ["ticket", "body"]);
  assert.match(about(SCHEMA, action.schema).description, /note/);
});

test("operators stand below any path of a condition", () => {
  assert.ok(names(["when", "event.anything.at.all"]).includes("starts_with"));
  assert.ok(names(["when", "any", 0, "event.x"]).includes("in"));
});

test("values of a list are known", () => {
  assert.ok(valuesAt(SCHEMA, ["on"]).some((one) => one.value === "gruveo.call"));
  assert.deepEqual(valuesAt(SCHEMA, ["enabled"]).map((one) => one.value), [true, false]);
});

test("paths are written as conditions read them", () => {
  const event = { tracking: { ticket: "42" }, "odd.name": 1, list: [{ id: 7 }] };
  const paths = pathsOf("event", event).map(({ path }) => path);
  assert.deepEqual(paths, ["event.tracking", 'event["odd.name"]', "event.list", "event.tracking.ticket", "event.list.0", "event.list.0.id"]);
  for (const path of paths) assert.notEqual(lookUp({ event }, path), undefined, path);
  assert.equal(asKey('event["odd.name"]'), `'event["odd.name"]'`);
  assert.equal(joined("event", 0), "event.0");
});

test("lines that are not in the other text are marked", () => {
  assert.deepEqual(changedLines("a\nb\nc", "a\nx\nc\nd"), [false, true, false, true]);
  assert.deepEqual(changedLines("a\nb", "a\nb"), [false, false]);
});
