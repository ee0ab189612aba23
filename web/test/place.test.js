// Where in a rule a position is: the sign ‸ is the cursor.

import assert from "node:assert/strict";
import { test } from "node:test";

import { yaml } from "@codemirror/lang-yaml";
import { ensureSyntaxTree } from "@codemirror/language";
import { EditorState } from "@codemirror/state";

import { entries, keyAt, namesIn, placeAt, siblings, typesIn } from "../src/editor/place.js";

function at(marked) {
  const position = marked.indexOf("‸");
  const state = EditorState.create({ doc: marked.replace("‸", ""), extensions: [yaml()] });
  ensureSyntaxTree(state, state.doc.length, 5000);
  return { state, position };
}

const RULE = "name: x\non: gruveo.call\nwhen:\n  event.a: 1\n  any:\n    - event.b: 2\n      event.c: 3\ndo:\n";

const TABLE = [
  ["an empty text", "‸", [], false],
  ["a key at the top", "name: x\non‸", [], false],
  ["behind a key", "name: x\non: ‸", ["on"], true],
  ["a half word behind a key", "name: x\non: gru‸", ["on"], true],
  ["below a key", "on:\n  ‸", ["on"], false],
  ["in a list below a key", "on:\n  - gru‸", ["on", 0], false],
  ["in a list as far left as its key", "do:\n- ‸", ["do", 0], false],
  ["a condition", `${RULE.slice(0, RULE.indexOf("  any"))}  ev‸`, ["when"], false],
  ["a second key of an item", "do:\n  - id: a\n    groo‸", ["do", 0], false],
  ["the inputs of an action", "do:\n  - groove.add_note:\n      tick‸", ["do", 0, "groove.add_note"], false],
  ["the inputs after one is there", "do:\n  - groove.add_note:\n      ticket: 1\n      ‸", ["do", 0, "groove.add_note"], false],
  ["a step after a block of text", "do:\n  - groove.add_note:\n      body: |\n        when: x\n        y\n  - ‸", ["do", 0], false],
  ["brackets", "when: { event.a: 1, ‸ }", ["when"], false],
  ["a value in brackets", "retry: { after: [5s], unknown: ‸ }", ["retry", "unknown"], true],
  ["brackets in an item", "do:\n  - http: { method: P‸ }", ["do", 0, "http", "method"], true],
  ["a list in brackets", "on: [gruveo.call, ‸]", ["on", 0], true],
  ["behind closed brackets", "when: { event.a: 1 }\n‸", [], false],
  ["quotes as a key", "when:\n  'event[\"a.b\"]': ‸", ["when", 'event["a.b"]'], true],
  ["a comment between", "when:\n  # why\n  ‸", ["when"], false],
];

for (const [name, marked, path, isValue] of TABLE) {
  test(`the place of ${name}`, () => {
    const { state, position } = at(marked);
    const place = placeAt(state, position);
    assert.deepEqual([place.path, place.isValue], [path, isValue]);
  });
}

test("a block of text and quotes hold no keys", () => {
  for (const marked of ["body: |\n  some ‸text\n", 'body: "some ‸text"', "# some ‸text"]) {
    const { state, position } = at(marked);
    assert.equal(placeAt(state, position).isText, true, marked);
  }
});

test("keys that are there are known", () => {
  const { state, position } = at("when:\n  event.a: 1\n  ev‸: 2\n  event.c: 3\n");
  assert.deepEqual([...siblings(state, position)], ["event.a", "event.c"]);
});

test("a word has the steps that lead to it", () => {
  const { state, position } = at("do:\n  - groove.add_note:\n      tic‸ket: 42\n");
  const { word, isKey, path } = keyAt(state, position);
  assert.deepEqual([word, isKey, path], ["ticket", true, ["do", 0, "groove.add_note", "ticket"]]);
});

test("a line opens dashes and a key", () => {
  assert.deepEqual(
    entries("  - - event.a: 1").found.map(({ at: column, step }) => [column, step]),
    [[2, 0], [4, 0], [6, "event.a"]],
  );
});

test("ids, vars and types are read from the text", () => {
  const text = 'on:\n  - gruveo.call\n  - groove.note_added\nvars:\n  who: "x"\n  why: 1\ndo:\n  - id: find\n    http: { url: x }\n';
  assert.deepEqual(namesIn(text), { ids: ["find"], vars: ["who", "why"] });
  assert.deepEqual(typesIn(text), ["gruveo.call", "groove.note_added"]);
  assert.deepEqual(typesIn("on: gruveo.call # and not groove.x\n").slice(0, 1), ["gruveo.call"]);
});
